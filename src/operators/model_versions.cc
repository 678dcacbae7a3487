#include "operators/model_versions.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/log.h"
#include "operators/state_cells.h"
#include "spi/model_history.h"
#include "spi/services.h"
#include "types/shared_buffer.h"

namespace millrace {
namespace {

constexpr int kVersionsState = 0, kBytesState = 1, kServingState = 2, kHistoryState = 3;

// A load that fails by what may pass: half a minute in all.
constexpr int kLoadAttempts = 6;
constexpr int64_t kFirstPauseMicros = 1'000'000;

// Columns of the states behind the key.
enum VersionColumn { kType, kLocation, kSha256, kHash, kEffective, kRefused };

/// Where the bytes of a hash are among those of its key: by its first 60 bits.
int64_t NumberOf(std::string_view hash) {
  const std::string_view digits = hash.substr(hash.find(':') + 1).substr(0, 15);
  int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return ~number;  // orders of versions without a hash are not negative, as a rule
}

/// What the bytes of a version are filed under.
int64_t NumberOf(const ModelVersion& version) {
  return version.hash.empty() ? version.order : NumberOf(version.hash);
}

Result<std::string> TextOf(const arrow::RecordBatch& rows, int column, int64_t row) {
  if (column < 0) return std::string();
  const auto cell = rows.column(column)->Slice(row, 1);
  if (cell->IsNull(0)) return std::string();
  ARROW_ASSIGN_OR_RAISE(const auto text, arrow::compute::Cast(*cell, arrow::utf8()));
  return std::string(TextAt<arrow::StringArray>(*text, 0));
}

/// A model's bytes; without a copy where they are most of their batch's.
std::shared_ptr<arrow::Buffer> BytesAt(const arrow::Array& column, int64_t row) {
  const auto& array = static_cast<const arrow::BinaryArray&>(column);
  const std::string_view bytes = array.IsNull(row) ? std::string_view() : array.GetView(row);
  if (bytes.empty() || 2 * bytes.size() < static_cast<size_t>(array.value_data()->size())) {
    return arrow::Buffer::FromString(std::string(bytes));
  }
  return arrow::SliceBuffer(array.value_data(), array.value_offset(row), array.value_length(row));
}

Result<std::optional<int64_t>> NumberAt(const arrow::RecordBatch& rows, int column, int64_t row) {
  if (column < 0 || rows.column(column)->IsNull(row)) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(const auto number,
                        arrow::compute::Cast(*rows.column(column)->Slice(row, 1), arrow::int64()));
  return static_cast<const arrow::Int64Array&>(*number).Value(0);
}

Result<NumberedRows> RowsOf(const Schema& records, const std::vector<int>& keys,
                            std::initializer_list<std::pair<const char*, SqlType>> values,
                            bool spread = false) {
  Schema schema;
  std::vector<int> leading;
  for (const int key : keys) {
    leading.push_back(schema.size());
    schema.Add(records.column(key).name, records.column(key).type);
  }
  for (const auto& [name, type] : values) schema.Add(name, type);
  return NumberedRows::Make(schema, leading, spread);
}

Status CheckColumns(const ModelStream& stream, const Schema& records) {
  std::vector<int> columns = stream.record_keys;
  for (const int column :
       {stream.time, stream.type, stream.version, stream.data, stream.location, stream.sha256}) {
    if (column >= 0) columns.push_back(column);
  }
  for (const int column : columns) {
    if (column < 0 || column >= records.size())
      return Error::User("the models' source has no column " + std::to_string(column))
          .Hint("compile the script again");
  }
  if (stream.data >= 0 && !records.column(stream.data).type.is_binary()) {
    return Error::User("the models' bytes in '" + records.column(stream.data).name +
                       "' are no BYTES")
        .Hint("compile the script again");
  }
  return Status::OK();
}

}  // namespace

Result<std::vector<int64_t>> MicrosOf(const arrow::Array& times) {
  std::vector<int64_t> micros(static_cast<size_t>(times.length()));
  if (times.type_id() != arrow::Type::TIMESTAMP) {
    return Error::Internal("a time is " + times.type()->ToString());
  }
  const auto& stamps = static_cast<const arrow::TimestampArray&>(times);
  const auto unit = static_cast<const arrow::TimestampType&>(*times.type()).unit();
  for (int64_t i = 0; i < times.length(); ++i) {
    int64_t us = times.IsNull(i) ? 0 : stamps.Value(i);
    if (unit == arrow::TimeUnit::SECOND) us *= 1'000'000;
    if (unit == arrow::TimeUnit::MILLI) us *= 1000;
    if (unit == arrow::TimeUnit::NANO) us /= 1000;
    micros[static_cast<size_t>(i)] = us;
  }
  return micros;
}

Result<ModelVersions> ModelVersions::Make(const PredictConfig& config, const Schema& records) {
  const ModelStream& stream = *config.stream;
  ARROW_RETURN_NOT_OK(CheckColumns(stream, records));
  const SqlType text = SqlType::String();
  ARROW_ASSIGN_OR_RAISE(auto versions, RowsOf(records, stream.record_keys,
                                              {{"$type", text},
                                               {"$location", text},
                                               {"$sha256", text},
                                               {"$hash", text},
                                               {"$effective", SqlType::BigInt()},
                                               {"$refused", text}}));
  ARROW_ASSIGN_OR_RAISE(auto bytes,
                        RowsOf(records, stream.record_keys, {{"$bytes", SqlType::Bytes()}},
                               /*spread=*/!stream.keyed));
  const SqlType number = SqlType::BigInt();
  ARROW_ASSIGN_OR_RAISE(auto serving,
                        RowsOf(records, stream.record_keys,
                               {{"$serving", number}, {"$held", number}, {"$rollout", text}}));
  ARROW_ASSIGN_OR_RAISE(auto history, RowsOf(records, stream.record_keys,
                                             {{"$at", number},
                                              {"$version", number},
                                              {"$hash", text},
                                              {"$event", text},
                                              {"$reason", text}}));
  ARROW_ASSIGN_OR_RAISE(auto record_keys, KeyEncoder::Make(records, stream.record_keys));
  return ModelVersions(config, std::move(record_keys), std::move(versions), std::move(bytes),
                       std::move(serving), std::move(history));
}

std::vector<StateSpec> ModelVersions::States() const {
  std::vector<StateSpec> specs = {versions_.spec(), bytes_.spec(), serving_.spec(),
                                  history_.spec()};
  specs[kVersionsState].name = "versions";
  specs[kBytesState].name = "models";
  specs[kServingState].name = "serving";
  specs[kHistoryState].name = "history";
  for (StateSpec& spec : specs) {
    if (!config_->stream->keyed) spec.kind = StateKind::kBroadcast;
  }
  return specs;
}

Status ModelVersions::Open(OperatorContext& context, OnRefused refused) {
  context_ = &context;
  refused_ = std::move(refused);
  versions_.Open(context.table(kVersionsState));
  bytes_.Open(context.table(kBytesState));
  serving_.Open(context.table(kServingState));
  history_.Open(context.table(kHistoryState));
  // Every subtask of a broadcast join has every version; one of them tells.
  if (config_->stream->keyed || context.subtask() == 0) {
    told_history_ = dynamic_cast<ModelHistory*>(&context.services().models());
  }
  const int width = static_cast<int>(config_->stream->record_keys.size());
  const auto key_at = [&](const arrow::RecordBatch& rows, int64_t row) -> Result<ModelKey*> {
    const auto one = rows.Slice(row, 1);
    ARROW_RETURN_NOT_OK(versions_.keys().Encode(*one, &encoded_));
    ModelKey& key = KeyOf(encoded_.key(0));
    key.columns = arrow::RecordBatch::Make(
        versions_.keys().key_schema().ToArrow(), 1,
        arrow::ArrayVector(one->columns().begin(), one->columns().begin() + width));
    return &key;
  };
  ARROW_RETURN_NOT_OK(versions_.ForEach(
      [&](const arrow::RecordBatch& rows, std::span<const int64_t> orders) -> Status {
        const auto text = [&](int column, int64_t row) {
          return std::string(TextAt<arrow::StringArray>(*rows.column(width + column), row));
        };
        for (int64_t row = 0; row < rows.num_rows(); ++row) {
          ARROW_ASSIGN_OR_RAISE(ModelKey * key, key_at(rows, row));
          ModelVersion version;
          version.order = orders[static_cast<size_t>(row)];
          version.record.type = text(kType, row);
          version.record.location = text(kLocation, row);
          version.record.sha256 = text(kSha256, row);
          version.hash = text(kHash, row);
          version.effective_us =
              static_cast<const arrow::Int64Array&>(*rows.column(width + kEffective)).Value(row);
          version.refused = text(kRefused, row);
          key->versions.emplace(version.order, std::move(version));
        }
        return Status::OK();
      }));
  ARROW_RETURN_NOT_OK(bytes_.ForEach(
      [&](const arrow::RecordBatch& rows, std::span<const int64_t> numbers) -> Status {
        for (int64_t row = 0; row < rows.num_rows(); ++row) {
          ARROW_ASSIGN_OR_RAISE(ModelKey * key, key_at(rows, row));
          const auto bytes = BytesAt(*rows.column(width), row);
          for (auto& [order, version] : key->versions) {
            if (NumberOf(version) != numbers[static_cast<size_t>(row)]) continue;
            version.record.bytes = bytes;
            version.filed = NumberOf(version);
          }
        }
        return Status::OK();
      },
      1));
  ARROW_RETURN_NOT_OK(RestoreServing());
  ARROW_RETURN_NOT_OK(RestoreHistory());
  for (auto& [bytes, key] : keys_) {
    for (auto& [order, version] : key->versions) {
      if (version.loading()) Start(*key, version);
      if (!version.hash.empty()) version.record.bytes = nullptr;
    }
  }
  return Status::OK();
}

ModelKey& ModelVersions::KeyOf(std::string_view bytes) {
  auto& key = keys_[std::string(bytes)];
  if (key == nullptr) {
    key = std::make_unique<ModelKey>();
    key->bytes = bytes;
  }
  return *key;
}

Status ModelVersions::Add(const Batch& records) {
  const auto& rows = *records.rows;
  RowKeys row_keys;
  ARROW_RETURN_NOT_OK(record_keys_.Encode(rows, &row_keys));
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    if (records.kinds) {
      const auto kind = static_cast<RowKind>(records.kinds->Value(row));
      if (kind == RowKind::kUpdateBefore || kind == RowKind::kDelete) continue;
    }
    ModelKey& key = KeyOf(row_keys.key(row));
    if (!key.columns) {
      arrow::ArrayVector columns;
      for (const int column : config_->stream->record_keys) {
        columns.push_back(rows.column(column)->Slice(row, 1));
      }
      key.columns = arrow::RecordBatch::Make(versions_.keys().key_schema().ToArrow(), 1, columns);
    }
    ARROW_ASSIGN_OR_RAISE(ModelVersion version, Read(rows, row, key));
    if (key.versions.contains(version.order) || version.order <= key.held ||
        (key.serving && version.order <= *key.serving)) {
      context_->metrics().counter("model_versions_ignored")->Add();
      continue;
    }
    ModelVersion& added = key.versions.emplace(version.order, std::move(version)).first->second;
    ARROW_RETURN_NOT_OK(Store(key, added));
    if (added.loading()) {
      Start(key, added);
    } else {
      ARROW_RETURN_NOT_OK(Note(key, added, kVersionRefused));
      ARROW_RETURN_NOT_OK(refused_(key, added));
    }
  }
  return Status::OK();
}

Result<ModelVersion> ModelVersions::Read(const arrow::RecordBatch& rows, int64_t row,
                                         const ModelKey& key) {
  const ModelStream& stream = *config_->stream;
  ModelVersion version;
  ARROW_ASSIGN_OR_RAISE(version.record.type, TextOf(rows, stream.type, row));
  ARROW_ASSIGN_OR_RAISE(version.record.location, TextOf(rows, stream.location, row));
  ARROW_ASSIGN_OR_RAISE(version.record.sha256, TextOf(rows, stream.sha256, row));
  if (stream.data >= 0) {
    auto bytes = BytesAt(*rows.column(stream.data), row);
    // An absent member of a protobuf oneof may come as an empty one.
    if (bytes->size() > 0) version.record.bytes = std::move(bytes);
  }
  int64_t time_us = 0;
  if (stream.time >= 0) {
    ARROW_ASSIGN_OR_RAISE(const auto times, MicrosOf(*rows.column(stream.time)->Slice(row, 1)));
    time_us = times[0];
  }
  ARROW_ASSIGN_OR_RAISE(const auto number, NumberAt(rows, stream.version, row));
  if (number) {
    version.order = *number;
  } else if (stream.row_time >= 0) {
    version.order = time_us;
  } else {
    version.order = key.versions.empty() ? 1 : key.versions.rbegin()->first + 1;
  }
  version.effective_us = time_us;
  if (stream.row_time >= 0 && time_us <= watermark_.us) {
    version.effective_us = watermark_.us == EventTime::Max().us ? watermark_.us : watermark_.us + 1;
    context_->metrics().counter("model_versions_late")->Add();
  }
  if (!version.record.bytes && version.record.location.empty()) {
    version.refused = "the record has neither data nor a location";
  }
  return version;
}

void ModelVersions::Start(ModelKey& key, const ModelVersion& version) {
  const uint64_t tag = next_load_++;
  loads_[tag] = {&key, version.order};
  Load(tag, key, version);
}

void ModelVersions::Load(uint64_t tag, const ModelKey& key, const ModelVersion& version) {
  ModelRecord record = version.record;
  record.order = version.order;
  record.hash = version.hash;
  for (const auto& field : key.columns->schema()->fields()) {
    const auto value = TextOf(*key.columns, key.columns->schema()->GetFieldIndex(field->name()), 0);
    if (value.ok()) record.key[field->name()] = *value;
  }
  context_->services().models().LoadVersion(
      config_->model, record, [sender = context_->sender(), tag](Result<LoadedVersion> loaded) {
        sender.Send(
            {tag, std::make_shared<Result<LoadedVersion>>(std::move(loaded)), Status::OK()});
      });
}

void ModelVersions::LoadAgain(ProcTime now) {
  for (auto next = loads_.begin(); next != loads_.end();) {
    const auto at = next++;
    auto& [tag, load] = *at;
    if (load.again_us < 0) continue;
    const auto version = load.key->versions.find(load.order);
    if (version == load.key->versions.end()) {
      loads_.erase(at);
    } else if (load.again_us > now.us) {
      context_->SetAlarm({load.again_us});
    } else {
      load.again_us = -1;
      ++load.attempts;
      Load(tag, *load.key, version->second);
    }
  }
}

Status ModelVersions::Loaded(uint64_t tag, Result<LoadedVersion> loaded) {
  const auto load = loads_.find(tag);
  if (load == loads_.end()) return Error::Internal("a model was loaded twice");
  ModelKey* const key = load->second.key;
  const int64_t order = load->second.order;
  const auto found = key->versions.find(order);
  if (found == key->versions.end()) {  // a newer one serves
    loads_.erase(load);
    return Status::OK();
  }
  if (const int attempts = load->second.attempts;
      !loaded.ok() && InfoOf(loaded.status()).error_class == ErrorClass::kTransient &&
      attempts < kLoadAttempts) {
    load->second.again_us = context_->env().NowMicros() + (kFirstPauseMicros << (attempts - 1));
    context_->SetAlarm({load->second.again_us});
    return Status::OK();
  }
  loads_.erase(load);
  ModelVersion& version = found->second;
  if (!loaded.ok() && !version.hash.empty()) {
    return loaded.status().WithMessage(
        "the version ", version.hash, " of the model '", config_->model.name,
        "', which was served before, cannot be loaded again: ", loaded.status().message());
  }
  if (!loaded.ok()) {
    version.refused = loaded.status().message();
    version.record.bytes = nullptr;
    Log(LogLevel::kWarn, "models", "a version is not served",
        {{"model", config_->model.name},
         {"order", std::to_string(order)},
         {"reason", version.refused}});
    context_->metrics().counter("model_versions_refused")->Add();
    ARROW_RETURN_NOT_OK(DropBytes(*key, version));
    ARROW_RETURN_NOT_OK(Store(*key, version));
    ARROW_RETURN_NOT_OK(Note(*key, version, kVersionRefused));
    ARROW_RETURN_NOT_OK(refused_(*key, version));
    return config_->stream->row_time >= 0 ? Status::OK() : TakePlaces(*key);
  }
  version.model = std::move(loaded->model);
  if (version.hash.empty()) {
    ARROW_RETURN_NOT_OK(DropBytes(*key, version));
    version.hash = loaded->hash;
    ARROW_RETURN_NOT_OK(FileBytes(*key, version, loaded->bytes));
    ARROW_RETURN_NOT_OK(Store(*key, version));
    ARROW_RETURN_NOT_OK(Note(*key, version, kVersionLoaded));
  }
  version.record.bytes = nullptr;
  return config_->stream->row_time >= 0 ? Status::OK() : TakePlaces(*key);
}

Status ModelVersions::Store(const ModelKey& key, const ModelVersion& version) {
  arrow::ArrayVector columns = key.columns->columns();
  for (const std::string& text :
       {version.record.type, version.record.location, version.record.sha256, version.hash}) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), OneText(text));
  }
  arrow::Int64Builder effective;
  ARROW_RETURN_NOT_OK(effective.Append(version.effective_us));
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), effective.Finish());
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), OneText(version.refused));
  const auto row = BehindKey(*key.columns, std::move(columns));
  return versions_.Put(*row, std::span(&version.order, 1));
}

Status ModelVersions::FileBytes(const ModelKey& key, ModelVersion& version,
                                const std::shared_ptr<arrow::Buffer>& bytes) {
  const int64_t number = NumberOf(version);
  version.filed = number;
  arrow::ArrayVector columns = key.columns->columns();
  const int32_t offsets[] = {0, static_cast<int32_t>(bytes->size())};
  columns.push_back(std::make_shared<arrow::BinaryArray>(  // without a copy of a large model
      1, arrow::Buffer::Wrap(offsets, std::size(offsets)), std::make_shared<SharedBuffer>(bytes)));
  arrow::FieldVector fields = key.columns->schema()->fields();
  fields.push_back(arrow::field("", arrow::binary()));
  const auto row = arrow::RecordBatch::Make(arrow::schema(fields), 1, std::move(columns));
  return bytes_.Put(*row, std::span(&number, 1));
}

Status ModelVersions::DropBytes(const ModelKey& key, ModelVersion& version) {
  if (!version.filed) return Status::OK();
  const int64_t number = *std::exchange(version.filed, std::nullopt);
  const bool shared = std::any_of(key.versions.begin(), key.versions.end(),
                                  [&](const auto& each) { return each.second.filed == number; });
  const std::string_view name = key.bytes;
  return shared ? Status::OK() : bytes_.Erase({&name, 1}, {&number, 1});
}

Status ModelVersions::Forget(ModelKey& key, int64_t order) {
  const auto found = key.versions.find(order);
  ModelVersion version = std::move(found->second);
  key.versions.erase(found);
  const std::string_view name = key.bytes;
  ARROW_RETURN_NOT_OK(versions_.Erase({&name, 1}, {&order, 1}));
  return DropBytes(key, version);
}

Status ModelVersions::ForgetOlder(ModelKey& key, int64_t order) {
  std::vector<int64_t> older;
  int kept = 0;
  for (auto version = key.versions.lower_bound(order); version != key.versions.begin();) {
    --version;
    const bool stays = version->second.model && kept < config_->stream->keep_versions;
    if (stays) {
      ++kept;
    } else {
      older.push_back(version->first);
    }
  }
  for (const int64_t each : older) ARROW_RETURN_NOT_OK(Forget(key, each));
  return Status::OK();
}

Status ModelVersions::ForgetBefore(EventTime time) {
  forgotten_ = std::max(forgotten_, time);
  for (auto& [bytes, key] : keys_) {
    const ModelVersion* const serving = AtTime(*key, time.us).version;
    if (serving == nullptr) continue;
    std::vector<int64_t> older;
    for (const auto& [order, version] : key->versions) {
      if (&version != serving && version.effective_us <= serving->effective_us) {
        older.push_back(order);
      }
    }
    for (const int64_t order : older) ARROW_RETURN_NOT_OK(Forget(*key, order));
  }
  return Status::OK();
}

Status ModelVersions::PrepareSnapshot() {
  for (const auto& [tag, load] : loads_) {
    const auto found = load.key->versions.find(load.order);
    if (found == load.key->versions.end() || !found->second.record.bytes) continue;
    ModelVersion& version = found->second;
    if (version.filed) continue;
    ARROW_RETURN_NOT_OK(FileBytes(*load.key, version, version.record.bytes));
  }
  return Status::OK();
}

}  // namespace millrace
