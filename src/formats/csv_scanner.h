#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';
  char escape = '\\';
  bool has_quote = true;
  bool has_escape = false;
  bool comments = false;
  bool line_breaks_in_values = true;
};

/// A field of a record: where its text is, without its quotes.
struct CsvField {
  static constexpr uint32_t kQuoted = 1u << 31;
  static constexpr uint32_t kEscaped = 1u << 30;  ///< holds doubled quotes or escapes
  static constexpr uint32_t kMissing = 1u << 29;  ///< the record ended before it
  static constexpr uint32_t kLength = kMissing - 1;

  uint32_t begin = 0;
  uint32_t length_and_flags = kMissing;

  uint32_t length() const { return length_and_flags & kLength; }
  bool is(uint32_t flag) const { return (length_and_flags & flag) != 0; }
};

/// The records found in a run of bytes: the wanted fields of each, row by row.
struct CsvRecords {
  struct Row {
    uint32_t begin, end;  ///< of the record, without its line break
    int32_t line;         ///< 0-based
  };
  struct Malformed {
    Row row;
    std::string reason;
  };
  std::vector<CsvField> fields;  ///< rows × wanted columns
  std::vector<Row> rows;
  std::vector<Malformed> malformed;
  int64_t bytes = 0;
  int64_t lines = 0;
  int64_t ignored = 0;

  void Clear();
};

/// Splits bytes into records and fields. Finds 64 bytes' delimiters and line breaks at a time.
class CsvScanner {
 public:
  /// `slots[i]`: place of the file's column i among the wanted ones, -1: not wanted.
  /// `lenient`: records with too few or too many fields are taken, and counted.
  CsvScanner(const CsvDialect& dialect, std::vector<int> slots, bool lenient);

  /// Adds the records of `text` from `begin` on, at most `max_rows`. `last`: the end of the text
  /// ends a record. Texts are shorter than 512 MB.
  void Scan(std::string_view text, size_t begin, bool last, int64_t max_rows,
            CsvRecords* out) const;

  int width() const { return width_; }

 private:
  enum class Quoted { kClosed, kIncomplete, kOpen, kLineBreak };
  Quoted ScanQuoted(std::string_view text, size_t begin, bool last, size_t* end, uint32_t* flags,
                    int32_t* line_breaks) const;

  CsvDialect dialect_;
  std::vector<int> slots_;
  int width_ = 0;  ///< wanted columns
  bool lenient_;
};

/// The text of a field without doubled quotes and escapes, into `scratch`.
std::string_view Unescape(std::string_view text, bool quoted, const CsvDialect& dialect,
                          std::string* scratch);

}  // namespace millrace
