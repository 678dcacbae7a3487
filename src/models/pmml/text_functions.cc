#include <algorithm>
#include <cmath>
#include <cstdio>
#include <regex>

#include "models/pmml/functions.h"

namespace millrace::pmml {
namespace {

using Returns = Function::Returns;

const std::string& TextAt(const Arguments& args, size_t argument, int row) {
  return args.frame.strings().Text(args.columns[argument][row]);
}

bool HasAll(const Arguments& args, int row) {
  return std::none_of(args.columns.begin(), args.columns.end(),
                      [&](const double* column) { return IsMissing(column[row]); });
}

/// Calls `function(row)` for rows without a missing argument; it gives text.
template <class F>
void EachText(const Arguments& args, double* out, F function) {
  for (int i = 0; i < args.rows(); ++i)
    out[i] = HasAll(args, i) ? args.frame.strings().Code(function(i)) : kMissing;
}

template <class F>
void EachNumber(const Arguments& args, double* out, F function) {
  for (int i = 0; i < args.rows(); ++i) out[i] = HasAll(args, i) ? function(i) : kMissing;
}

/// Letters of ASCII; others stay.
template <char low, char high, int shift>
void ChangeCase(const Arguments& args, double* out) {
  EachText(args, out, [&](int row) {
    std::string text = TextAt(args, 0, row);
    for (char& c : text) {
      if (c >= low && c <= high) c = static_cast<char>(c + shift);
    }
    return text;
  });
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

double Characters(const std::string& text) {
  return static_cast<double>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

/// From the character `from`, 1-based.
std::string Substring(const std::string& text, double from, double length) {
  if (!(from >= 1) || !(length > 0)) return {};
  std::string part;
  double character = 0;
  for (const char c : text) {
    if (!IsContinuation(c)) ++character;
    if (character >= from && character < from + length) part += c;
  }
  return part;
}

void Substrings(const Arguments& args, double* out) {
  EachText(args, out, [&](int row) {
    return Substring(TextAt(args, 0, row), args.columns[1][row], args.columns[2][row]);
  });
}

void TrimBlanks(const Arguments& args, double* out) {
  EachText(args, out, [&](int row) {
    const std::string& text = TextAt(args, 0, row);
    const auto begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string::npos
               ? std::string()
               : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  });
}

/// Missing parts are left out.
void Concat(const Arguments& args, double* out) {
  for (int i = 0; i < args.rows(); ++i) {
    std::string text;
    for (size_t k = 0; k < args.columns.size(); ++k) {
      if (!IsMissing(args.columns[k][i]))
        text += TextOf(args.columns[k][i], args.types[k], args.frame.strings());
    }
    out[i] = args.frame.strings().Code(text);
  }
}

/// The regular expression of a block: nearly always a constant.
class Pattern {
 public:
  const std::regex* Get(const std::string& text) {
    if (text == text_ && compiled_) return &regex_;
    try {
      regex_ = std::regex(text, std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      return nullptr;
    }
    text_ = text;
    compiled_ = true;
    return &regex_;
  }

 private:
  std::string text_;
  std::regex regex_;
  bool compiled_ = false;
};

constexpr size_t kLongestMatched = 4096;  // std::regex recurses over its text

void Replace(const Arguments& args, double* out) {
  Pattern pattern;
  for (int i = 0; i < args.rows(); ++i) {
    out[i] = kMissing;
    if (!HasAll(args, i)) continue;
    const std::string& text = TextAt(args, 0, i);
    const std::regex* regex = pattern.Get(TextAt(args, 1, i));
    if (regex == nullptr || text.size() > kLongestMatched) continue;
    out[i] = args.frame.strings().Code(std::regex_replace(text, *regex, TextAt(args, 2, i)));
  }
}

void Matches(const Arguments& args, double* out) {
  Pattern pattern;
  for (int i = 0; i < args.rows(); ++i) {
    out[i] = kMissing;
    if (!HasAll(args, i)) continue;
    const std::string& text = TextAt(args, 0, i);
    const std::regex* regex = pattern.Get(TextAt(args, 1, i));
    if (regex == nullptr || text.size() > kLongestMatched) continue;
    out[i] = std::regex_search(text, *regex) ? 1 : 0;
  }
}

/// Of printf's formats those for one number.
std::string FormatNumber(double value, const std::string& format) {
  const auto begin = format.find('%');
  const auto end =
      format.find_first_of("dfeEgG", begin == std::string::npos ? format.size() : begin);
  if (begin == std::string::npos || end == std::string::npos) return format;
  const std::string flags = format.substr(begin + 1, end - begin - 1);
  if (flags.size() > 8 || flags.find_first_not_of("+-0123456789. #") != std::string::npos)
    return format;
  char text[512];
  if (format[end] == 'd') {
    const std::string own = '%' + flags + "lld";
    std::snprintf(text, sizeof text, own.c_str(), static_cast<long long>(value));
  } else {
    const std::string own = '%' + flags + format[end];
    std::snprintf(text, sizeof text, own.c_str(), value);
  }
  return format.substr(0, begin) + text + format.substr(end + 1);
}

void FormatNumbers(const Arguments& args, double* out) {
  EachText(args, out,
           [&](int row) { return FormatNumber(args.columns[0][row], TextAt(args, 1, row)); });
}

/// strftime's letters for a date or time.
std::string FormatTime(const std::string& iso, const std::string& format) {
  const auto part = [&](size_t at, size_t n) {
    return at + n <= iso.size() ? iso.substr(at, n) : std::string();
  };
  const bool has_date = iso.size() >= 10 && iso[4] == '-';
  const size_t time = has_date ? 11 : 0;
  std::string text;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      text += format[i];
      continue;
    }
    switch (format[++i]) {
      case 'Y':
        text += part(0, 4);
        break;
      case 'y':
        text += part(2, 2);
        break;
      case 'm':
        text += part(5, 2);
        break;
      case 'd':
        text += part(8, 2);
        break;
      case 'H':
        text += part(time, 2);
        break;
      case 'M':
        text += part(time + 3, 2);
        break;
      case 'S':
        text += part(time + 6, 2);
        break;
      default:
        text += format[i];
    }
  }
  return text;
}

void FormatTimes(const Arguments& args, double* out) {
  EachText(args, out, [&](int row) {
    const std::string iso = TextOf(args.columns[0][row], args.types[0], args.frame.strings());
    return FormatTime(iso, TextAt(args, 1, row));
  });
}

double DaysBeforeYear(double year) {
  double days = kMissing;
  char text[16];
  std::snprintf(text, sizeof text, "%04d-01-01", static_cast<int>(std::clamp(year, 1.0, 9999.0)));
  return ParseValue(text, DataType::kDate, &days) ? days : kMissing;
}

double SecondsOf(const Arguments& args, int row) {
  const double value = args.columns[0][row];
  if (args.types[0] == DataType::kString) {
    double seconds = kMissing;
    const std::string& text = TextAt(args, 0, row);
    if (ParseValue(text, DataType::kDateTime, &seconds)) return seconds;
    return ParseValue(text, DataType::kDate, &seconds) ? seconds * kSecondsPerDay : kMissing;
  }
  return args.types[0] == DataType::kDate ? value * kSecondsPerDay : value;
}

void DaysSinceYear(const Arguments& args, double* out) {
  EachNumber(args, out, [&](int row) {
    return std::floor(SecondsOf(args, row) / kSecondsPerDay) - DaysBeforeYear(args.columns[1][row]);
  });
}

void SecondsSinceYear(const Arguments& args, double* out) {
  EachNumber(args, out, [&](int row) {
    return std::floor(SecondsOf(args, row)) - DaysBeforeYear(args.columns[1][row]) * kSecondsPerDay;
  });
}

void SecondsSinceMidnight(const Arguments& args, double* out) {
  EachNumber(args, out, [&](int row) {
    const double seconds = SecondsOf(args, row);
    return std::floor(seconds - std::floor(seconds / kSecondsPerDay) * kSecondsPerDay);
  });
}

void StringLength(const Arguments& args, double* out) {
  EachNumber(args, out, [&](int row) { return Characters(TextAt(args, 0, row)); });
}

}  // namespace

std::vector<Function> TextFunctions() {
  return {
      {"uppercase", 1, 1, Returns::kString, false, ChangeCase<'a', 'z', 'A' - 'a'>},
      {"lowercase", 1, 1, Returns::kString, false, ChangeCase<'A', 'Z', 'a' - 'A'>},
      {"stringLength", 1, 1, Returns::kInteger, false, StringLength},
      {"substring", 3, 3, Returns::kString, false, Substrings},
      {"trimBlanks", 1, 1, Returns::kString, false, TrimBlanks},
      {"concat", 1, -1, Returns::kString, true, Concat},
      {"replace", 3, 3, Returns::kString, false, Replace},
      {"matches", 2, 2, Returns::kBoolean, false, Matches},
      {"formatNumber", 2, 2, Returns::kString, false, FormatNumbers},
      {"formatDatetime", 2, 2, Returns::kString, false, FormatTimes},
      {"dateDaysSinceYear", 2, 2, Returns::kInteger, false, DaysSinceYear},
      {"dateSecondsSinceYear", 2, 2, Returns::kInteger, false, SecondsSinceYear},
      {"dateSecondsSinceMidnight", 1, 1, Returns::kInteger, false, SecondsSinceMidnight},
  };
}

}  // namespace millrace::pmml
