#include "changes.h"

#include <algorithm>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "cli/cell_text.h"
#include "types/row_kind.h"

namespace millrace::sql_script {
namespace {

constexpr std::string_view kBetween = " | ";

bool SameKey(const std::vector<int>& key, const Change& a, const Change& b) {
  return std::ranges::all_of(key, [&](int column) {
    const auto i = static_cast<size_t>(column);
    return i < a.cells.size() && i < b.cells.size() && a.cells[i] == b.cells[i];
  });
}

}  // namespace

Status AppendChanges(const Schema& schema, const Batch& batch, std::vector<Change>* out) {
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    Change change;
    if (batch.kinds) change.kind = static_cast<RowKind>(batch.kinds->Value(row));
    for (int column = 0; column < schema.size(); ++column) {
      std::string& cell = change.cells.emplace_back();
      cli::AppendCell(schema.column(column).type, *batch.rows->column(column), row, &cell);
      if (cell.empty()) cell = "(empty)";
    }
    out->push_back(std::move(change));
  }
  return Status::OK();
}

std::string LineOf(const Change& change) {
  std::string line;
  for (size_t i = 0; i < change.cells.size(); ++i) {
    if (i > 0) line += kBetween;
    line += change.cells[i];
  }
  return line;
}

std::string SignedLineOf(const Change& change) {
  return std::string(kRowKindSigns[static_cast<size_t>(change.kind)]) + std::string(kBetween) +
         LineOf(change);
}

Result<Change> ParseSignedLine(const std::string& line) {
  std::vector<std::string> cells;
  for (size_t at = 0; at <= line.size();) {
    const size_t end = std::min(line.find(kBetween, at), line.size());
    cells.push_back(line.substr(at, end - at));
    at = end + (end == line.size() ? 1 : kBetween.size());
  }
  const auto* sign = std::ranges::find(kRowKindSigns, cells.front());
  if (sign == kRowKindSigns.end())
    return Error::User("no +I, -U, +U or -D begins the line: " + line);
  cells.erase(cells.begin());
  return Change{static_cast<RowKind>(sign - kRowKindSigns.begin()), std::move(cells)};
}

Result<std::vector<std::string>> Materialize(const Changes& changes) {
  const bool by_key = changes.mode == ChangelogMode::kUpsert;
  std::vector<Change> left;
  for (const Change& change : changes.rows) {
    const auto same = std::ranges::find_if(left, [&](const Change& row) {
      return by_key ? SameKey(changes.key, row, change) : row.cells == change.cells;
    });
    const bool adds = change.kind == RowKind::kInsert || change.kind == RowKind::kUpdateAfter;
    if (!adds && same == left.end()) {
      return Error::Internal("the changelog takes back a row that is not there: " +
                             SignedLineOf(change));
    }
    if (!adds || (by_key && same != left.end())) left.erase(same);
    if (adds) left.push_back(change);
  }
  std::vector<std::string> lines;
  for (const Change& row : left) lines.push_back(LineOf(row));
  return lines;
}

}  // namespace millrace::sql_script
