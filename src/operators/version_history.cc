// What became of the versions of a model: told to the process, and kept in the state.
#include <algorithm>
#include <map>
#include <utility>

#include "operators/model_versions.h"
#include "operators/state_cells.h"
#include "spi/model_history.h"
#include "spi/services.h"

namespace millrace {
namespace {

constexpr int64_t kMostEventsOfAKey = 100;

/// Columns of the state behind the key.
enum EventColumn { kAt, kVersion, kHashOfIt, kEvent, kReason };

/// "red, 2019": the first `width` columns of a row.
std::string NameOfKey(const arrow::RecordBatch& rows, int64_t row, int width) {
  std::string name;
  for (int column = 0; column < width; ++column) {
    const auto value = rows.column(column)->GetScalar(row);
    name += (name.empty() ? "" : ", ") + (value.ok() ? (*value)->ToString() : "?");
  }
  return name;
}

}  // namespace

Status ModelVersions::Note(ModelKey& key, const ModelVersion& version, std::string_view what) {
  ModelEvent event;
  event.at_us = context_->env().NowMicros();
  event.model = config_->model.name;
  event.key = NameOfKey(*key.columns, 0, key.columns->num_columns());
  event.version = version.order;
  event.hash = version.hash;
  event.event = what;
  event.reason = version.refused;
  arrow::ArrayVector columns = key.columns->columns();
  for (const int64_t number : {event.at_us, event.version}) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), OneNumber(number));
  }
  for (const std::string* text : {&event.hash, &event.event, &event.reason}) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), OneText(*text));
  }
  const auto row = BehindKey(*key.columns, std::move(columns));
  const int64_t number = key.next_event++;
  ARROW_RETURN_NOT_OK(history_.Put(*row, std::span(&number, 1)));
  if (const int64_t oldest = number - kMostEventsOfAKey; oldest > 0) {
    const std::string_view name = key.bytes;
    ARROW_RETURN_NOT_OK(history_.Erase({&name, 1}, {&oldest, 1}));
  }
  if (told_history_ != nullptr) told_history_->Add(std::move(event));
  return Status::OK();
}

Status ModelVersions::RestoreHistory() {
  const int width = static_cast<int>(config_->stream->record_keys.size());
  std::map<std::pair<std::string, int64_t>, ModelEvent> events;  // the state has no order
  ARROW_RETURN_NOT_OK(history_.ForEach(
      [&](const arrow::RecordBatch& rows, std::span<const int64_t> numbers) -> Status {
        const auto number = [&](int column, int64_t row) {
          return static_cast<const arrow::Int64Array&>(*rows.column(width + column)).Value(row);
        };
        const auto text = [&](int column, int64_t row) {
          return std::string(TextAt<arrow::StringArray>(*rows.column(width + column), row));
        };
        for (int64_t row = 0; row < rows.num_rows(); ++row) {
          ARROW_RETURN_NOT_OK(history_.keys().Encode(*rows.Slice(row, 1), &encoded_));
          ModelKey& key = KeyOf(encoded_.key(0));
          const int64_t place = numbers[static_cast<size_t>(row)];
          key.next_event = std::max(key.next_event, place + 1);
          events[{key.bytes, place}] = {
              number(kAt, row),      config_->model.name,  NameOfKey(rows, row, width),
              number(kVersion, row), text(kHashOfIt, row), text(kEvent, row),
              text(kReason, row)};
        }
        return Status::OK();
      }));
  if (told_history_ == nullptr) return Status::OK();
  for (auto& [place, event] : events) told_history_->Add(std::move(event));
  return Status::OK();
}

}  // namespace millrace
