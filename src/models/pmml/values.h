#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "models/pmml/document.h"

namespace millrace::pmml {

/// A value of any type is a double: a number; for text its code (`Strings`); for BOOLEAN 0 or 1;
/// for dates and times a count (days, seconds) since 1970 or midnight. NaN is a missing value.
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
inline bool IsMissing(double value) { return value != value; }
inline constexpr double kSecondsPerDay = 86400;

enum class DataType : uint8_t {
  kString,
  kInteger,
  kFloat,
  kDouble,
  kBoolean,
  kDate,      ///< days since 1970-01-01
  kTime,      ///< seconds since midnight
  kDateTime,  ///< seconds since 1970-01-01T00:00:00
};
enum class OpType : uint8_t { kCategorical, kOrdinal, kContinuous };

bool IsNumber(DataType type);
std::string_view NameOf(DataType type);
/// The attribute `dataType`; `otherwise` where it is absent. Day and second counts are integers.
DataType DataTypeOf(const Element& element, DataType otherwise);
OpType OpTypeOf(const Element& element, DataType type);

/// Text that a document names, as codes 0, 1, …; fixed once it is compiled, then thread-safe.
class StringPool {
 public:
  double Code(std::string_view text);     ///< adds
  int Find(std::string_view text) const;  ///< -1 where absent
  const std::string& Text(int code) const { return texts_[static_cast<size_t>(code)]; }
  int size() const { return static_cast<int>(texts_.size()); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, int, Hash, std::equal_to<>> codes_;
  std::deque<std::string> texts_;
};

/// The text of one call: the document's, and behind it what only the rows have. One thread.
class Strings {
 public:
  explicit Strings(const StringPool& pool) : pool_(pool) {}
  double Code(std::string_view text) {
    const int code = pool_.Find(text);
    return code >= 0 ? code : pool_.size() + own_.Code(text);
  }
  /// Empty where there is no such code: a document may take a number for text.
  const std::string& Text(double code) const {
    static const std::string kNone;
    if (!(code >= 0 && code < pool_.size() + own_.size())) return kNone;
    const int at = static_cast<int>(code);
    return at < pool_.size() ? pool_.Text(at) : own_.Text(at - pool_.size());
  }
  void Forget() {
    if (own_.size() > 0) own_ = StringPool();
  }

 private:
  const StringPool& pool_;
  StringPool own_;
};

/// A constant of the document. Throws where `text` is none of `type`.
double ParseConstant(const Element& element, std::string_view text, DataType type,
                     StringPool& pool);
/// False where `text` is no value of `type`, which is not text.
bool ParseValue(std::string_view text, DataType type, double* out);
/// As XML Schema writes it.
std::string TextOf(double value, DataType type, const Strings& strings);
/// A value of one type as one of another; missing where it is none.
double Convert(double value, DataType from, DataType to, Strings& strings);

}  // namespace millrace::pmml
