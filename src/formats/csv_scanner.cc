#include "formats/csv_scanner.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace {
namespace {

/// Walks the delimiters and line breaks of a text, 64 bytes at a time.
class BreakFinder {
 public:
  BreakFinder(std::string_view text, size_t begin, char delimiter)
      : text_(text),
        delimiter_(delimiter),
        block_(begin),
        mask_(begin < text.size() ? Mask(begin) : 0) {}

  /// The next one, or the text's size.
  size_t Next() {
    while (mask_ == 0) {
      block_ += 64;
      if (block_ >= text_.size()) {
        block_ = text_.size();
        return text_.size();
      }
      mask_ = Mask(block_);
    }
    const size_t at = block_ + static_cast<size_t>(std::countr_zero(mask_));
    mask_ &= mask_ - 1;
    return at;
  }

  /// Goes on at `at`, which is not before the last one found.
  void Seek(size_t at) {
    if (at >= block_ + 64) {
      block_ = std::min(at, text_.size());
      mask_ = block_ < text_.size() ? Mask(block_) : 0;
    } else if (at > block_) {
      mask_ &= ~uint64_t{0} << (at - block_);
    }
  }

 private:
  uint64_t Mask(size_t at) const {
    if (at + 64 <= text_.size()) return MaskOf(text_.data() + at);
    // Zeros after the end match neither.
    char tail[64] = {};
    const size_t rest = text_.size() - at;
    std::memcpy(tail, text_.data() + at, rest);
    return MaskOf(tail) & ((uint64_t{1} << rest) - 1);
  }

  uint64_t MaskOf(const char* p) const {
#if defined(__SSE2__)
    const __m128i delimiter = _mm_set1_epi8(delimiter_);
    const __m128i line_break = _mm_set1_epi8('\n');
    uint64_t mask = 0;
    for (int i = 0; i < 4; ++i) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
      const __m128i found =
          _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiter), _mm_cmpeq_epi8(bytes, line_break));
      mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(found))) << (16 * i);
    }
    return mask;
#else
    uint64_t mask = 0;
    for (int i = 0; i < 64; ++i) {
      mask |= static_cast<uint64_t>(p[i] == delimiter_ || p[i] == '\n') << i;
    }
    return mask;
#endif
  }

  std::string_view text_;
  char delimiter_;
  size_t block_;
  uint64_t mask_;
};

size_t LineEnd(std::string_view text, size_t from) {
  const size_t end = text.find('\n', from);
  return end == std::string_view::npos ? text.size() : end;
}

}  // namespace

void CsvRecords::Clear() {
  fields.clear();
  rows.clear();
  malformed.clear();
  bytes = lines = ignored = 0;
}

CsvScanner::CsvScanner(const CsvDialect& dialect, std::vector<int> slots, bool lenient)
    : dialect_(dialect), slots_(std::move(slots)), lenient_(lenient) {
  for (const int slot : slots_) width_ += slot >= 0 ? 1 : 0;
}

CsvScanner::Quoted CsvScanner::ScanQuoted(std::string_view text, size_t begin, bool last,
                                          size_t* end, uint32_t* flags,
                                          int32_t* line_breaks) const {
  *flags = CsvField::kQuoted;
  *line_breaks = 0;
  const auto count_breaks = [&](size_t from, size_t to) {
    *line_breaks += static_cast<int32_t>(std::count(text.data() + from, text.data() + to, '\n'));
  };
  size_t at = begin;
  for (;;) {
    size_t quote = text.find(dialect_.quote, at);
    const size_t limit = quote == std::string_view::npos ? text.size() : quote;
    if (!dialect_.line_breaks_in_values) {
      const size_t line_break = LineEnd(text.substr(0, limit), at);
      if (line_break < limit) {
        *end = line_break;
        return Quoted::kLineBreak;
      }
    }
    if (dialect_.has_escape && dialect_.escape != dialect_.quote) {
      const size_t escape = text.substr(0, limit).find(dialect_.escape, at);
      if (escape != std::string_view::npos) {
        *flags |= CsvField::kEscaped;
        const size_t next = std::min(escape + 2, text.size());
        count_breaks(at, next);
        at = next;
        continue;
      }
    }
    count_breaks(at, limit);
    if (quote == std::string_view::npos) return last ? Quoted::kOpen : Quoted::kIncomplete;
    if (quote + 1 == text.size() && !last) return Quoted::kIncomplete;
    if (quote + 1 < text.size() && text[quote + 1] == dialect_.quote) {
      *flags |= CsvField::kEscaped;
      at = quote + 2;
      continue;
    }
    *end = quote;
    return Quoted::kClosed;
  }
}

void CsvScanner::Scan(std::string_view text, size_t begin, bool last, int64_t max_rows,
                      CsvRecords* out) const {
  const size_t size = text.size();
  const char* const data = text.data();
  const int columns = static_cast<int>(slots_.size());
  BreakFinder finder(text, begin, dialect_.delimiter);
  size_t at = begin;
  auto line = static_cast<int32_t>(out->lines);
  int64_t taken = 0;

  // Leaves out the record from `from` to the line break at or after `stop`; false where that is not
  // in the text.
  const auto reject = [&](size_t from, size_t stop, int32_t line_breaks, std::string reason) {
    const size_t end = LineEnd(text, stop);
    if (end == size && !last) return false;
    out->malformed.push_back(
        {{static_cast<uint32_t>(from), static_cast<uint32_t>(end), line}, std::move(reason)});
    at = std::min(end + 1, size);
    finder.Seek(at);
    line += line_breaks + 1;
    ++taken;
    return true;
  };

  while (at < size && taken < max_rows) {
    const size_t start = at;
    const bool comment = dialect_.comments && data[at] == '#';
    if (comment || data[at] == '\n' ||
        (data[at] == '\r' && (at + 1 < size ? data[at + 1] == '\n' : last))) {
      const size_t end = comment ? LineEnd(text, at) : at + (data[at] == '\r' ? 1 : 0);
      if (end >= size && !last) break;
      at = std::min(end + 1, size);
      finder.Seek(at);
      ++line;
      continue;
    }
    const size_t first_field = out->fields.size();
    out->fields.resize(first_field + static_cast<size_t>(width_));
    CsvField* const fields = out->fields.data() + first_field;
    int column = 0;
    int32_t line_breaks = 0;
    bool complete = false, malformed = false;
    size_t end;
    for (;; ++column) {
      uint32_t flags = 0;
      size_t field_begin = at;
      size_t field_end;
      if (dialect_.has_quote && at < size && data[at] == dialect_.quote) {
        ++field_begin;
        int32_t breaks;
        const Quoted quoted = ScanQuoted(text, field_begin, last, &field_end, &flags, &breaks);
        if (quoted == Quoted::kIncomplete) break;
        if (quoted == Quoted::kOpen) {
          malformed = reject(start, field_begin, line_breaks, "the quote is never closed");
          break;
        }
        if (quoted == Quoted::kLineBreak) {
          malformed =
              reject(start, field_end, line_breaks,
                     "a line break within quotes, but 'csv.line-breaks-in-values' is false");
          break;
        }
        line_breaks += breaks;
        end = field_end + 1;
        if (end + 1 == size && data[end] == '\r' && !last) break;
        if (end < size && data[end] == '\r' && (end + 1 == size || data[end + 1] == '\n')) ++end;
        if (end < size && data[end] != dialect_.delimiter && data[end] != '\n') {
          malformed = reject(start, end, line_breaks,
                             "text after the closing quote of field " + std::to_string(column + 1));
          break;
        }
        finder.Seek(end + 1);
      } else {
        end = finder.Next();
        if (dialect_.has_escape) {
          size_t escape = at;
          while ((escape = text.substr(0, end).find(dialect_.escape, escape)) !=
                 std::string_view::npos) {
            flags |= CsvField::kEscaped;
            if (escape + 1 == end && end < size) {
              line_breaks += data[end] == '\n' ? 1 : 0;
              end = finder.Next();
            }
            escape += 2;
            if (escape > end) break;
          }
        }
        field_end = end;
        if ((end == size || data[end] == '\n') && field_end > field_begin &&
            data[field_end - 1] == '\r') {
          --field_end;
        }
      }
      if (end == size && !last) break;
      if (column < columns) {
        const int slot = slots_[static_cast<size_t>(column)];
        if (slot >= 0) {
          fields[slot] = {static_cast<uint32_t>(field_begin),
                          static_cast<uint32_t>(field_end - field_begin) | flags};
        }
      }
      if (end == size || data[end] == '\n') {
        complete = true;
        break;
      }
      at = end + 1;
    }
    if (!complete) {
      out->fields.resize(first_field);
      if (malformed) continue;
      at = start;
      break;
    }
    at = std::min(end + 1, size);
    size_t record_end = end;
    if (record_end > start && data[record_end - 1] == '\r') --record_end;
    const CsvRecords::Row row{static_cast<uint32_t>(start), static_cast<uint32_t>(record_end),
                              line};
    line += line_breaks + 1;
    ++taken;
    if (column + 1 != columns) {
      if (!lenient_) {
        out->fields.resize(first_field);
        out->malformed.push_back(
            {row, std::to_string(column + 1) + " fields, expected " + std::to_string(columns)});
        continue;
      }
      ++out->ignored;
    }
    out->rows.push_back(row);
  }
  out->bytes = static_cast<int64_t>(at);
  out->lines = line;
}

std::string_view Unescape(std::string_view text, bool quoted, const CsvDialect& dialect,
                          std::string* scratch) {
  scratch->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = dialect.has_escape && text[i] == dialect.escape;
    const bool doubled = quoted && text[i] == dialect.quote;
    if ((escape || doubled) && i + 1 < text.size()) ++i;
    *scratch += text[i];
  }
  return *scratch;
}

}  // namespace millrace
