#include "cli/table_printer.h"

#include <algorithm>
#include <cwchar>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "cli/cell_text.h"
#include "cli/terminal.h"
#include "types/row_kind.h"

namespace millrace::cli {
namespace {

/// Columns on a terminal.
size_t WidthOf(const std::string& text) {
  size_t width = 0;
  std::mbstate_t state{};
  for (size_t at = 0; at < text.size();) {
    wchar_t c = 0;
    const size_t length = std::mbrtowc(&c, text.data() + at, text.size() - at, &state);
    if (length == 0 || length > text.size() - at) return width + text.size() - at;
    width += static_cast<size_t>(std::max(0, wcwidth(c)));
    at += length;
  }
  return width;
}

}  // namespace

TablePrinter::TablePrinter(Schema columns, bool with_kinds)
    : columns_(std::move(columns)), with_kinds_(with_kinds) {
  if (with_kinds_) {
    widths_.push_back(2);
    right_.push_back(false);
  }
  for (const SqlField& column : columns_.columns()) {
    widths_.push_back(WidthOf(column.name));
    right_.push_back(column.type.is_numeric());
  }
}

void TablePrinter::Add(const arrow::RecordBatch& rows, const arrow::Int8Array* kinds) {
  const auto arrays = rows.columns();
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    Line line;
    if (with_kinds_) line.emplace_back(kRowKindSigns[kinds == nullptr ? 0 : kinds->Value(row) & 3]);
    for (int i = 0; i < columns_.size(); ++i) {
      AppendCell(columns_.column(i).type, *arrays[static_cast<size_t>(i)], row,
                 &line.emplace_back());
    }
    ++rows_;
    if (begun_) {
      PrintLine(line);
    } else {
      waiting_.push_back(std::move(line));
      if (waiting_.size() == kRowsForWidths) Flush();
    }
  }
}

void TablePrinter::Flush() {
  if (waiting_.empty()) return;
  for (const Line& line : waiting_) {
    for (size_t i = 0; i < line.size(); ++i) widths_[i] = std::max(widths_[i], WidthOf(line[i]));
  }
  begun_ = true;
  PrintEdge();
  Line header;
  if (with_kinds_) header.emplace_back("op");
  for (const SqlField& column : columns_.columns()) header.push_back(column.name);
  PrintLine(header);
  PrintEdge();
  for (const Line& line : std::exchange(waiting_, {})) PrintLine(line);
}

void TablePrinter::Finish() {
  Flush();
  if (begun_) PrintEdge();
}

void TablePrinter::PrintEdge() const {
  std::string edge = "+";
  for (const size_t width : widths_) edge += std::string(width + 2, '-') + '+';
  Print(edge + '\n');
}

void TablePrinter::PrintLine(const Line& line) const {
  std::string text = "|";
  for (size_t i = 0; i < line.size(); ++i) {
    const size_t width = WidthOf(line[i]);
    const std::string padding(width < widths_[i] ? widths_[i] - width : 0, ' ');
    text += ' ' + (right_[i] ? padding + line[i] : line[i] + padding) + " |";
  }
  Print(text + '\n');
}

}  // namespace millrace::cli
