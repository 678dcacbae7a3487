#include <algorithm>
#include <numeric>

#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <simdjson.h>

#include "base/suggest.h"
#include "formats/csv.h"
#include "formats/csv_columns.h"
#include "formats/csv_scanner.h"

namespace millrace {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view WithoutByteOrderMark(std::string_view bytes) {
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  return bytes;
}

class CsvDecoder final : public Decoder {
 public:
  CsvDecoder(const DecodeRequest& request, CsvOptions options)
      : schema_(request.schema), options_(std::move(options)) {
    arrow::FieldVector fields;
    for (const int i : request.projection) {
      const auto& column = schema_.column(i);
      columns_.push_back({column.name, column.type, i + 1, static_cast<int>(columns_.size())});
      fields.push_back(arrow::field(column.name, column.type.ToArrow(), column.type.nullable()));
    }
    arrow_schema_ = arrow::schema(std::move(fields));
    std::vector<int> slots(static_cast<size_t>(schema_.size()), -1);
    for (const auto& column : columns_) slots[static_cast<size_t>(column.number - 1)] = column.slot;
    MakeScanner(std::move(slots));
  }

  bool splittable() const override {
    return !options_.dialect.has_escape &&
           (!options_.dialect.has_quote || !options_.dialect.line_breaks_in_values);
  }

  Result<FileHeader> Header(std::string_view bytes, bool last, const ChunkOrigin& origin) override {
    const auto text = WithoutByteOrderMark(bytes);
    FileHeader header{static_cast<int64_t>(bytes.size() - text.size()), 0};
    if (bytes.size() < kByteOrderMark.size() && !last) return FileHeader{-1, 0};
    if (!options_.header) return header;
    ARROW_ASSIGN_OR_RAISE(auto names, ReadNames(text, last, &header));
    if (header.bytes >= 0) ARROW_RETURN_NOT_OK(UseNames(names, origin.source));
    return header;
  }

  Result<Decoded> Decode(std::string_view bytes, bool last, int64_t max_rows,
                         const ChunkOrigin& origin) override {
    records_.Clear();
    scanner_->Scan(bytes, 0, last, max_rows, &records_);
    const int64_t first = origin.first_line;
    return Convert(bytes, origin.source, [first](int32_t line) { return first + line; });
  }

  Result<Decoded> DecodeMessages(std::span<const std::string_view> messages,
                                 std::span<const int64_t> positions,
                                 const std::string& source) override {
    records_.Clear();
    joined_.clear();
    for (size_t i = 0; i < messages.size(); ++i) {
      const size_t begin = joined_.size();
      joined_ += messages[i];
      ScanMessage(begin, static_cast<int32_t>(i));
    }
    ARROW_ASSIGN_OR_RAISE(auto decoded, Convert(joined_, source, [&](int32_t message) {
                            return positions[static_cast<size_t>(message)];
                          }));
    decoded.lines = static_cast<int64_t>(messages.size());
    return decoded;
  }

 private:
  void MakeScanner(std::vector<int> slots) {
    scanner_ = std::make_unique<CsvScanner>(options_.dialect, std::move(slots),
                                            options_.ignore_parse_errors);
  }

  /// The first line that is neither empty nor a comment.
  std::string_view FirstLine(std::string_view text) const {
    while (true) {
      const std::string_view line = text.substr(0, text.find('\n'));
      const bool skipped =
          line.empty() || line == "\r" || (options_.dialect.comments && line.front() == '#');
      if (!skipped || line.size() == text.size()) return line;
      text.remove_prefix(line.size() + 1);
    }
  }

  /// The fields of the first record; `header->bytes` turns -1 where it does not end in `text`.
  Result<std::vector<std::string>> ReadNames(std::string_view text, bool last, FileHeader* header) {
    // As many columns as the longest possible header has, all of them wanted.
    std::vector<int> slots(
        1 + static_cast<size_t>(std::ranges::count(FirstLine(text), options_.dialect.delimiter)));
    std::iota(slots.begin(), slots.end(), 0);
    CsvRecords records;
    CsvScanner(options_.dialect, std::move(slots), true).Scan(text, 0, last, 1, &records);
    std::vector<std::string> names;
    if (records.rows.empty()) {
      if (!last) header->bytes = -1;
      return names;
    }
    header->bytes += records.bytes;
    header->lines = records.lines;
    std::string scratch;
    for (const auto& field : records.fields) {
      if (field.is(CsvField::kMissing)) break;
      const auto name = text.substr(field.begin, field.length());
      names.emplace_back(field.is(CsvField::kEscaped) ? Unescape(name, field.is(CsvField::kQuoted),
                                                                 options_.dialect, &scratch)
                                                      : name);
    }
    return names;
  }

  Status UseNames(const std::vector<std::string>& names, const std::string& source) {
    if (names.empty()) return Status::OK();
    std::vector<int> slots(names.size(), -1);
    for (auto& column : columns_) {
      const auto at = std::find(names.begin(), names.end(), column.name);
      if (at == names.end()) {
        return Error::User("the header line has no column '" + column.name + "'")
            .In(source)
            .Hint(Suggest(column.name, names));
      }
      column.number = static_cast<int>(at - names.begin()) + 1;
      slots[static_cast<size_t>(column.number - 1)] = column.slot;
    }
    MakeScanner(std::move(slots));
    return Status::OK();
  }

  void ScanMessage(size_t begin, int32_t message) {
    const size_t rows = records_.rows.size(), malformed = records_.malformed.size();
    scanner_->Scan(joined_, begin, true, 1, &records_);
    if (records_.bytes < static_cast<int64_t>(joined_.size()) && records_.rows.size() > rows) {
      const auto end = static_cast<uint32_t>(joined_.size());
      records_.rows.pop_back();
      records_.fields.resize(records_.rows.size() * static_cast<size_t>(scanner_->width()));
      records_.malformed.push_back(
          {{static_cast<uint32_t>(begin), end, message}, "a message holds more than one record"});
    }
    for (size_t i = rows; i < records_.rows.size(); ++i) records_.rows[i].line = message;
    for (size_t i = malformed; i < records_.malformed.size(); ++i) {
      records_.malformed[i].row.line = message;
    }
  }

  template <class PositionOf>
  Result<Decoded> Convert(std::string_view text, const std::string& source,
                          PositionOf&& position_of) {
    DropInvalidText(text);
    Decoded decoded;
    decoded.bytes = records_.bytes;
    decoded.lines = records_.lines;
    decoded.ignored = records_.ignored;
    const auto reject = [&](const CsvRecords::Row& row, std::string reason) {
      if (options_.ignore_parse_errors) {
        ++decoded.ignored;
      } else {
        decoded.rejected.push_back({source, position_of(row.line), std::move(reason),
                                    std::string(text.substr(row.begin, row.end - row.begin))});
      }
    };
    for (auto& malformed : records_.malformed) reject(malformed.row, std::move(malformed.reason));

    std::vector<std::shared_ptr<arrow::Array>> arrays;
    std::vector<FieldError> errors;
    for (const auto& column : columns_) {
      ColumnBuffer buffer(column.type);
      const size_t before = errors.size();
      AppendCsvColumn(column, options_, text, records_, scanner_->width(), &buffer, &errors);
      arrays.push_back(buffer.Finish());
      if (options_.ignore_parse_errors && column.type.nullable()) {
        decoded.ignored += static_cast<int64_t>(errors.size() - before);
        errors.resize(before);
      }
    }
    decoded.rows = arrow::RecordBatch::Make(
        arrow_schema_, static_cast<int64_t>(records_.rows.size()), std::move(arrays));
    if (!errors.empty()) {
      // Of several bad fields the record's first is told.
      std::stable_sort(errors.begin(), errors.end(),
                       [](const auto& a, const auto& b) { return a.row < b.row; });
      int64_t previous = -1;
      for (auto& error : errors) {
        if (error.row == previous) continue;
        previous = error.row;
        reject(records_.rows[static_cast<size_t>(error.row)], std::move(error.reason));
      }
      ARROW_RETURN_NOT_OK(DropRows(errors, &decoded));
    }
    std::stable_sort(decoded.rejected.begin(), decoded.rejected.end(),
                     [](const auto& a, const auto& b) { return a.position < b.position; });
    SetLines(&decoded);
    return decoded;
  }

  /// Records that are not UTF-8 leave the others before conversion.
  void DropInvalidText(std::string_view text) {
    const auto used = text.substr(0, static_cast<size_t>(records_.bytes));
    if (simdjson::validate_utf8(used.data(), used.size())) return;
    const auto width = static_cast<size_t>(scanner_->width());
    size_t kept = 0;
    for (size_t i = 0; i < records_.rows.size(); ++i) {
      const auto row = records_.rows[i];
      if (!simdjson::validate_utf8(text.data() + row.begin, row.end - row.begin)) {
        records_.malformed.push_back({row, "the text is not UTF-8"});
        continue;
      }
      records_.rows[kept] = row;
      std::copy_n(records_.fields.begin() + static_cast<int64_t>(i * width), width,
                  records_.fields.begin() + static_cast<int64_t>(kept * width));
      ++kept;
    }
    records_.rows.resize(kept);
    records_.fields.resize(kept * width);
  }

  Status DropRows(const std::vector<FieldError>& errors, Decoded* decoded) {
    arrow::Int32Builder kept;
    size_t next = 0, size = 0;
    for (size_t row = 0; row < records_.rows.size(); ++row) {
      while (next < errors.size() && errors[next].row < static_cast<int64_t>(row)) ++next;
      if (next < errors.size() && errors[next].row == static_cast<int64_t>(row)) continue;
      ARROW_RETURN_NOT_OK(kept.Append(static_cast<int32_t>(row)));
      records_.rows[size++] = records_.rows[row];
    }
    records_.rows.resize(size);
    std::shared_ptr<arrow::Int32Array> indices;
    ARROW_RETURN_NOT_OK(kept.Finish(&indices));
    Batch all;
    all.rows = decoded->rows;
    ARROW_ASSIGN_OR_RAISE(auto batch, all.Take(*indices));
    decoded->rows = std::move(batch.rows);
    return Status::OK();
  }

  void SetLines(Decoded* decoded) const {
    const auto& rows = records_.rows;
    // Lines rise by one at least: where the last row is on its own line, so are all.
    if (rows.empty() || rows.back().line + 1 == static_cast<int32_t>(rows.size())) return;
    decoded->line_of_row.reserve(rows.size());
    for (const auto& row : rows) decoded->line_of_row.push_back(row.line);
  }

  Schema schema_;
  CsvOptions options_;
  std::vector<CsvColumn> columns_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
  std::unique_ptr<CsvScanner> scanner_;
  CsvRecords records_;
  std::string joined_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> MakeCsvDecoder(const DecodeRequest& request,
                                                const Options& options) {
  ARROW_ASSIGN_OR_RAISE(auto csv, CsvOptions::From(options));
  for (const int i : request.projection) {
    const auto& column = request.schema.column(i);
    ARROW_RETURN_NOT_OK(CheckCsvType(column.name, column.type));
  }
  return std::make_unique<CsvDecoder>(request, std::move(csv));
}

}  // namespace millrace
