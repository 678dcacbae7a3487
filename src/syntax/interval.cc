#include "syntax/interval.h"

#include <array>
#include <string>
#include <vector>

#include "syntax/text.h"

namespace millrace::syntax {
namespace {

struct Unit {
  std::string_view word;
  std::string_view plural;
  int64_t amount;  ///< in months or microseconds
  int64_t limit;   ///< where another unit stands before it: the values below
  char separator;  ///< what stands before it then
  std::string_view example;
};

constexpr std::array<Unit, 8> kUnitNames = {{
    {"YEAR", "YEARS", 12, 0, ' ', "1"},
    {"QUARTER", "QUARTERS", 3, 0, ' ', "1"},
    {"MONTH", "MONTHS", 1, 12, '-', "6"},
    {"WEEK", "WEEKS", 604'800'000'000, 0, ' ', "1"},
    {"DAY", "DAYS", 86'400'000'000, 0, ' ', "1"},
    {"HOUR", "HOURS", 3'600'000'000, 24, ' ', "02"},
    {"MINUTE", "MINUTES", 60'000'000, 60, ':', "03"},
    {"SECOND", "SECONDS", 1'000'000, 60, ':', "04.5"},
}};

const Unit& Of(IntervalUnit unit) { return kUnitNames[static_cast<size_t>(unit)]; }

bool IsMonths(IntervalUnit unit) { return unit <= IntervalUnit::kMonth; }

/// The units of a valid range such as DAY TO SECOND.
std::vector<IntervalUnit> UnitsOf(IntervalUnit from, IntervalUnit to) {
  if (IsMonths(from) && from != to) return {from, to};
  std::vector<IntervalUnit> units;
  for (auto unit = from; unit <= to; unit = static_cast<IntervalUnit>(static_cast<int>(unit) + 1)) {
    units.push_back(unit);
  }
  return units;
}

class Reader {
 public:
  Reader(const IntervalLiteral& literal, std::vector<IntervalUnit> units)
      : literal_(literal), units_(std::move(units)), text_(literal.text) {}

  Result<int64_t> Read() {
    const bool minus = text_.starts_with('-');
    if (minus || text_.starts_with('+')) text_.remove_prefix(1);
    const int64_t sign = minus != literal_.negative ? -1 : 1;
    for (size_t i = 0; i < units_.size(); ++i) {
      const Unit& unit = Of(units_[i]);
      if (i > 0 && !Skip(unit.separator)) return Malformed();
      int64_t value = 0;
      if (!Digits(&value)) return Malformed();
      if (i == 0 && literal_.precision && digits_ > *literal_.precision) {
        return Error::User("the interval has more digits than " + std::string(unit.word) + "(" +
                           std::to_string(*literal_.precision) + ") holds");
      }
      if (i > 0 && value >= unit.limit) return Malformed();
      if (!Add(value, unit.amount)) return TooLarge();
    }
    if (units_.back() == IntervalUnit::kSecond && Skip('.')) {
      int64_t micros = 0;
      if (!Fraction(&micros)) return Malformed();
      if (!Add(micros, 1)) return TooLarge();
    }
    if (!text_.empty()) return Malformed();
    return sign * amount_;
  }

 private:
  bool Skip(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool Digits(int64_t* value) {
    digits_ = 0;
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') {
      if (__builtin_mul_overflow(*value, 10, value)) return false;
      if (__builtin_add_overflow(*value, text_[0] - '0', value)) return false;
      text_.remove_prefix(1);
      ++digits_;
    }
    return digits_ > 0;
  }

  /// Digits behind the point, at most six that count.
  bool Fraction(int64_t* micros) {
    int64_t weight = 100'000;
    bool any = false;
    for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; text_.remove_prefix(1)) {
      if (weight == 0 && text_[0] != '0') return false;
      *micros += (text_[0] - '0') * weight;
      weight /= 10;
      any = true;
    }
    return any;
  }

  bool Add(int64_t value, int64_t weight) {
    return !__builtin_mul_overflow(value, weight, &value) &&
           !__builtin_add_overflow(amount_, value, &amount_);
  }

  std::string Qualifier() const {
    std::string out(Of(literal_.from).word);
    if (literal_.to) out += " TO " + std::string(Of(*literal_.to).word);
    return out;
  }

  Status Malformed() const {
    std::string example;
    for (size_t i = 0; i < units_.size(); ++i) {
      const Unit& unit = Of(units_[i]);
      if (i > 0) example += unit.separator;
      example += i == 0 && unit.example.starts_with('0') ? unit.example.substr(1) : unit.example;
    }
    return Error::User("'" + literal_.text + "' is not an interval " + Qualifier())
        .Hint("such as INTERVAL '" + example + "' " + Qualifier());
  }

  Status TooLarge() const {
    return Error::User("the interval '" + literal_.text + "' " + Qualifier() + " is too large");
  }

  const IntervalLiteral& literal_;
  std::vector<IntervalUnit> units_;
  std::string_view text_;
  int digits_ = 0;
  int64_t amount_ = 0;
};

}  // namespace

std::string_view WordOf(IntervalUnit unit) { return Of(unit).word; }

std::optional<IntervalUnit> IntervalUnitOf(std::string_view word) {
  for (size_t i = 0; i < kUnitNames.size(); ++i) {
    if (EqualsIgnoringCase(word, kUnitNames[i].word) ||
        EqualsIgnoringCase(word, kUnitNames[i].plural)) {
      return static_cast<IntervalUnit>(i);
    }
  }
  return std::nullopt;
}

Status CheckRange(IntervalUnit from, IntervalUnit to) {
  const bool months = from == IntervalUnit::kYear && to == IntervalUnit::kMonth;
  const bool time = from >= IntervalUnit::kDay && from < to;
  if (months || time) return Status::OK();
  return Error::User("there is no interval " + std::string(WordOf(from)) + " TO " +
                     std::string(WordOf(to)))
      .Hint("YEAR TO MONTH, or two of DAY, HOUR, MINUTE, SECOND in this order");
}

Status Resolve(IntervalLiteral* literal) {
  if (literal->to) ARROW_RETURN_NOT_OK(CheckRange(literal->from, *literal->to));
  literal->is_months = IsMonths(literal->from);
  Reader reader(*literal, UnitsOf(literal->from, literal->to.value_or(literal->from)));
  ARROW_ASSIGN_OR_RAISE(literal->amount, reader.Read());
  return Status::OK();
}

}  // namespace millrace::syntax
