#include "connectors/datagen_column.h"

#include <algorithm>
#include <limits>

#include "base/options.h"
#include "types/value_text.h"

namespace millrace {
namespace {

constexpr int64_t kDefaultLength = 100;
constexpr int64_t kDefaultElements = 3;
constexpr int64_t kMaxLength = 1 << 20;

/// Numbers of the rows, and the random bits of each.
class Draw {
 public:
  Draw(uint64_t salt, const GenerateContext& context) : seed_(Mix(salt, context.seed)) {}
  uint64_t operator()(int64_t number) const { return Mix(seed_, static_cast<uint64_t>(number)); }

 private:
  uint64_t seed_;
};

/// `value(random)` for every row, of a fixed-width type.
template <class T, class F>
class RandomFixed final : public DatagenColumn {
 public:
  RandomFixed(uint64_t salt, F value) : salt_(salt), value_(std::move(value)) {}
  void Generate(const RowNumbers& numbers, const GenerateContext& context,
                ColumnBuffer* out) const override {
    const Draw draw(salt_, context);
    T* const values = out->Extend<T>(numbers.count);
    for (int64_t i = 0; i < numbers.count; ++i) {
      values[i] = value_(draw(numbers.at(i)), context.now_us);
    }
  }

 private:
  uint64_t salt_;
  F value_;
};

template <class T, class F>
std::unique_ptr<DatagenColumn> MakeRandom(uint64_t salt, F value) {
  return std::make_unique<RandomFixed<T, F>>(salt, std::move(value));
}

/// `append(random, number, out)` for every row.
template <class F>
class RandomText final : public DatagenColumn {
 public:
  explicit RandomText(F append) : append_(std::move(append)) {}
  void Generate(const RowNumbers& numbers, const GenerateContext& context,
                ColumnBuffer* out) const override {
    std::string text;
    for (int64_t i = 0; i < numbers.count; ++i) {
      text.clear();
      append_(numbers.at(i), context, &text);
      out->AppendBytes(text);
    }
  }

 private:
  F append_;
};

template <class F>
std::unique_ptr<DatagenColumn> MakeText(F append) {
  return std::make_unique<RandomText<F>>(std::move(append));
}

class Sequence final : public DatagenColumn {
 public:
  Sequence(int64_t start, int64_t end, const SqlType& type)
      : start_(start), end_(end), type_(type) {
    for (int i = 0; i < type.scale(); ++i) unit_ *= 10;
  }
  std::optional<int64_t> length() const override { return end_ - start_ + 1; }
  void Generate(const RowNumbers& numbers, const GenerateContext&,
                ColumnBuffer* out) const override {
    switch (type_.kind()) {
      case TypeKind::kTinyInt:
        return Fill<int8_t>(numbers, out);
      case TypeKind::kSmallInt:
        return Fill<int16_t>(numbers, out);
      case TypeKind::kInt:
        return Fill<int32_t>(numbers, out);
      case TypeKind::kBigInt:
        return Fill<int64_t>(numbers, out);
      case TypeKind::kFloat:
        return Fill<float>(numbers, out);
      case TypeKind::kDouble:
        return Fill<double>(numbers, out);
      case TypeKind::kDecimal: {
        auto* const values = out->Extend<__int128>(numbers.count);
        for (int64_t i = 0; i < numbers.count; ++i) values[i] = (start_ + numbers.at(i)) * unit_;
        return;
      }
      default:
        for (int64_t i = 0; i < numbers.count; ++i) {
          out->AppendBytes(std::to_string(start_ + numbers.at(i)));
        }
    }
  }

 private:
  template <class T>
  void Fill(const RowNumbers& numbers, ColumnBuffer* out) const {
    T* const values = out->Extend<T>(numbers.count);
    for (int64_t i = 0; i < numbers.count; ++i) values[i] = static_cast<T>(start_ + numbers.at(i));
  }

  int64_t start_, end_;
  SqlType type_;
  __int128 unit_ = 1;
};

/// Lists of `size` elements; of a MAP, keys and values.
class Collection final : public DatagenColumn {
 public:
  Collection(int64_t size, std::vector<std::unique_ptr<DatagenColumn>> parts)
      : size_(size), parts_(std::move(parts)) {}
  void Generate(const RowNumbers& numbers, const GenerateContext& context,
                ColumnBuffer* out) const override {
    for (int64_t i = 0; i < numbers.count; ++i) {
      for (size_t part = 0; part < parts_.size(); ++part) {
        parts_[part]->Generate({numbers.at(i) * size_, 1, size_}, context,
                               &out->child(static_cast<int>(part)));
      }
      out->AppendList();
    }
  }

 private:
  int64_t size_;
  std::vector<std::unique_ptr<DatagenColumn>> parts_;
};

class Row final : public DatagenColumn {
 public:
  explicit Row(std::vector<std::unique_ptr<DatagenColumn>> fields) : fields_(std::move(fields)) {}
  std::optional<int64_t> length() const override {
    std::optional<int64_t> shortest;
    for (const auto& field : fields_) {
      if (const auto length = field->length())
        shortest = std::min(shortest.value_or(*length), *length);
    }
    return shortest;
  }
  void Generate(const RowNumbers& numbers, const GenerateContext& context,
                ColumnBuffer* out) const override {
    for (size_t i = 0; i < fields_.size(); ++i) {
      fields_[i]->Generate(numbers, context, &out->child(static_cast<int>(i)));
    }
    for (int64_t i = 0; i < numbers.count; ++i) out->AppendRow();
  }

 private:
  std::vector<std::unique_ptr<DatagenColumn>> fields_;
};

/// Makes some of another column's values NULL.
class WithNulls final : public DatagenColumn {
 public:
  WithNulls(uint64_t salt, double rate, std::unique_ptr<DatagenColumn> values)
      : salt_(Mix(salt, 1)), rate_(rate), values_(std::move(values)) {}
  std::optional<int64_t> length() const override { return values_->length(); }
  void Generate(const RowNumbers& numbers, const GenerateContext& context,
                ColumnBuffer* out) const override {
    const int64_t first = out->size();
    values_->Generate(numbers, context, out);
    const Draw draw(salt_, context);
    for (int64_t i = 0; i < numbers.count; ++i) {
      if (Unit(draw(numbers.at(i))) < rate_) out->SetNull(first + i);
    }
  }

 private:
  uint64_t salt_;
  double rate_;
  std::unique_ptr<DatagenColumn> values_;
};

/// The options of one column or part.
class FieldOptions {
 public:
  FieldOptions(std::string path, const SqlType& type, const DatagenOptions& options)
      : path_(std::move(path)), type_(type), options_(options) {}

  const std::string* Find(const std::string& key) const {
    const std::string full = path_ + "." + key;
    options_.used[full] = true;
    const auto at = options_.values.find(full);
    return at == options_.values.end() ? nullptr : &at->second;
  }

  /// What `parse(text, &value)` makes of the option, or `value` as it is where it is not written.
  template <class T, class Parse>
  Status Read(const std::string& key, T* value, Parse parse, std::string_view expected) const {
    const std::string* text = Find(key);
    if (text == nullptr || parse(*text, value)) return Status::OK();
    return Wrong(key, *text, expected);
  }
  Status ReadInt(const std::string& key, int64_t min, int64_t max, int64_t* value) const {
    return Read(
        key, value,
        [&](std::string_view text, int64_t* out) { return ParseInteger(text, min, max, out); },
        "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  }

  Status Wrong(const std::string& key, const std::string& text, std::string_view expected) const {
    return Error::User("'fields." + path_ + "." + key + "' = '" + text + "', but the column is " +
                       type_.ToString() + ": expected " + std::string(expected));
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const SqlType& type_;
  const DatagenOptions& options_;
};

using Made = Result<std::unique_ptr<DatagenColumn>>;

Made MakeSequence(const FieldOptions& options, const SqlType& type) {
  int64_t min = std::numeric_limits<int64_t>::min(), max = std::numeric_limits<int64_t>::max();
  switch (type.kind()) {
    case TypeKind::kTinyInt:
      min = std::numeric_limits<int8_t>::min(), max = std::numeric_limits<int8_t>::max();
      break;
    case TypeKind::kSmallInt:
      min = std::numeric_limits<int16_t>::min(), max = std::numeric_limits<int16_t>::max();
      break;
    case TypeKind::kInt:
      min = std::numeric_limits<int32_t>::min(), max = std::numeric_limits<int32_t>::max();
      break;
    case TypeKind::kDecimal: {
      max = 1;
      for (int i = 0; i < std::min(18, type.precision() - type.scale()); ++i) max *= 10;
      min = -(--max);
      break;
    }
    default:
      if (!type.is_numeric() && !type.is_string()) {
        return Error::User("column '" + options.path() + "' is " + type.ToString() +
                           ", which has no sequences")
            .Hint("a sequence needs a number or a string; use 'random'");
      }
  }
  if (options.Find("start") == nullptr || options.Find("end") == nullptr) {
    return Error::User("the sequence '" + options.path() + "' needs 'fields." + options.path() +
                       ".start' and '….end'");
  }
  int64_t start = 0, end = 0;
  ARROW_RETURN_NOT_OK(options.ReadInt("start", min, max, &start));
  ARROW_RETURN_NOT_OK(options.ReadInt("end", min, max, &end));
  if (end < start || end - static_cast<__int128>(start) >= std::numeric_limits<int64_t>::max()) {
    return options.Wrong("end", std::to_string(end), "a number from 'start' on");
  }
  return std::make_unique<Sequence>(start, end, type);
}

template <class T>
Made MakeRandomInteger(const FieldOptions& options, uint64_t salt, int64_t min, int64_t max,
                       int64_t unit = 1) {
  const int64_t least = std::numeric_limits<T>::min() / unit;
  const int64_t most = std::numeric_limits<T>::max() / unit;
  ARROW_RETURN_NOT_OK(options.ReadInt("min", least, most, &min));
  ARROW_RETURN_NOT_OK(options.ReadInt("max", least, most, &max));
  if (max < min) return options.Wrong("max", std::to_string(max), "a number from 'min' on");
  const uint64_t range = static_cast<uint64_t>(max) - static_cast<uint64_t>(min) + 1;
  return MakeRandom<T>(salt, [min, range, unit](uint64_t random, int64_t) {
    // A range of 0 is all 2^64 values.
    const uint64_t offset = range == 0 ? random : Below(random, range);
    return static_cast<T>(static_cast<int64_t>(static_cast<uint64_t>(min) + offset) * unit);
  });
}

template <class T>
Made MakeRandomInteger(const FieldOptions& options, uint64_t salt) {
  return MakeRandomInteger<T>(options, salt, std::numeric_limits<T>::min(),
                              std::numeric_limits<T>::max());
}

template <class T>
Made MakeRandomFloating(const FieldOptions& options, uint64_t salt) {
  double min = std::numeric_limits<T>::lowest(), max = std::numeric_limits<T>::max();
  ARROW_RETURN_NOT_OK(options.Read("min", &min, ParseDouble, "a number"));
  ARROW_RETURN_NOT_OK(options.Read("max", &max, ParseDouble, "a number"));
  if (!(min <= max)) return options.Wrong("max", std::to_string(max), "a number from 'min' on");
  return MakeRandom<T>(salt, [min, max](uint64_t random, int64_t) {
    const double unit = Unit(random);
    return static_cast<T>(min * (1 - unit) + max * unit);
  });
}

Made MakeRandomDecimal(const FieldOptions& options, const SqlType& type, uint64_t salt) {
  __int128 max = 1;
  for (int i = 0; i < type.precision(); ++i) max *= 10;
  __int128 min = -(--max);
  const auto parse = [&](std::string_view text, __int128* out) {
    return ParseDecimal(text, type.precision(), type.scale(), out);
  };
  ARROW_RETURN_NOT_OK(options.Read("min", &min, parse, "a number of the type"));
  ARROW_RETURN_NOT_OK(options.Read("max", &max, parse, "a number of the type"));
  if (max < min) return options.Wrong("max", "", "a number from 'min' on");
  using Unsigned = unsigned __int128;  // the range of 38 digits exceeds __int128
  const Unsigned range = static_cast<Unsigned>(max) - static_cast<Unsigned>(min) + 1;
  return MakeRandom<__int128>(salt, [min, range](uint64_t random, int64_t) {
    const auto wide = static_cast<Unsigned>(random) << 64 | Mix(random, 1);
    return static_cast<__int128>(static_cast<Unsigned>(min) + wide % range);
  });
}

Made MakeRandomText(const FieldOptions& options, const SqlType& type, uint64_t salt) {
  const bool fixed = type.kind() == TypeKind::kChar || type.kind() == TypeKind::kBinary;
  int64_t length = type.length() == SqlType::kMaxLength ? kDefaultLength : type.length();
  bool varies = false;
  if (!fixed) {
    ARROW_RETURN_NOT_OK(
        options.ReadInt("length", 1, std::min<int64_t>(kMaxLength, type.length()), &length));
    ARROW_RETURN_NOT_OK(options.Read("var-len", &varies, ParseBoolean, "true or false"));
  }
  return MakeText([length, varies, text = type.is_string(), salt](
                      int64_t number, const GenerateContext& context, std::string* out) {
    static constexpr char kHex[] = "0123456789abcdef";
    const Draw draw(salt, context);
    uint64_t bits = draw(number);
    const uint64_t row = bits;
    const auto size = static_cast<size_t>(
        varies ? 1 + static_cast<int64_t>(Below(Mix(row, 1), static_cast<uint64_t>(length)))
               : length);
    out->resize(size);
    for (size_t i = 0; i < size; ++i) {
      const size_t within = text ? i % 16 : i % 8;
      if (within == 0 && i > 0) bits = Mix(row, i + 1);
      (*out)[i] = text ? kHex[bits & 15] : static_cast<char>(bits);
      bits >>= text ? 4 : 8;
    }
  });
}

Made MakeRandomTimestamp(const FieldOptions& options, const SqlType& type, uint64_t salt) {
  int64_t past_us = 0;
  const auto parse = [](const std::string& text, int64_t* out) {
    const auto duration = ParseDurationMicros(text);
    if (!duration.ok() || *duration < 0) return false;
    *out = *duration;
    return true;
  };
  ARROW_RETURN_NOT_OK(options.Read("max-past", &past_us, parse, "a duration, such as '10 s'"));
  int64_t unit = 1;
  for (int i = type.precision(); i < 6; ++i) unit *= 10;
  return MakeRandom<int64_t>(salt, [past_us, unit](uint64_t random, int64_t now_us) {
    const auto past = static_cast<int64_t>(Below(random, static_cast<uint64_t>(past_us) + 1));
    return (now_us - past) / unit * unit;
  });
}

Made MakeParts(const FieldOptions& options, const SqlType& type, const DatagenOptions& all,
               uint64_t salt) {
  std::vector<std::string> names;
  if (type.kind() == TypeKind::kArray) {
    names = {"element"};
  } else if (type.kind() == TypeKind::kMap) {
    names = {"key", "value"};
  } else {
    for (const auto& field : type.fields()) names.push_back(field.name);
  }
  std::vector<std::unique_ptr<DatagenColumn>> parts;
  for (size_t i = 0; i < names.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(parts.emplace_back(),
                          MakeDatagenColumn(options.path() + "." + names[i], type.fields()[i].type,
                                            all, Mix(salt, i + 2)));
  }
  if (type.kind() == TypeKind::kRow) return std::make_unique<Row>(std::move(parts));
  int64_t size = kDefaultElements;
  ARROW_RETURN_NOT_OK(options.ReadInt("length", 0, kMaxLength, &size));
  return std::make_unique<Collection>(size, std::move(parts));
}

Made MakeValues(const FieldOptions& options, const SqlType& type, const DatagenOptions& all,
                uint64_t salt) {
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return MakeRandom<uint8_t>(
          salt, [](uint64_t random, int64_t) { return static_cast<uint8_t>(random & 1); });
    case TypeKind::kTinyInt:
      return MakeRandomInteger<int8_t>(options, salt);
    case TypeKind::kSmallInt:
      return MakeRandomInteger<int16_t>(options, salt);
    case TypeKind::kInt:
      return MakeRandomInteger<int32_t>(options, salt);
    case TypeKind::kBigInt:
      return MakeRandomInteger<int64_t>(options, salt);
    case TypeKind::kFloat:
      return MakeRandomFloating<float>(options, salt);
    case TypeKind::kDouble:
      return MakeRandomFloating<double>(options, salt);
    case TypeKind::kDecimal:
      return MakeRandomDecimal(options, type, salt);
    case TypeKind::kChar:
    case TypeKind::kVarChar:
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return MakeRandomText(options, type, salt);
    case TypeKind::kDate:
      return MakeRandom<int32_t>(salt, [](uint64_t, int64_t now_us) {
        return static_cast<int32_t>(now_us / 86'400'000'000);
      });
    case TypeKind::kTime:
      return MakeRandom<int32_t>(salt, [](uint64_t, int64_t now_us) {
        return static_cast<int32_t>(now_us / 1000 % 86'400'000);
      });
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return MakeRandomTimestamp(options, type, salt);
    case TypeKind::kIntervalYearMonth:
      return MakeRandomInteger<int32_t>(options, salt, 0, 1200);
    case TypeKind::kIntervalDayTime:
      return MakeRandomInteger<int64_t>(options, salt, 0, 86'400'000, 1000);
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kRow:
      return MakeParts(options, type, all, salt);
    case TypeKind::kNull:
      break;
  }
  return Error::User("column '" + options.path() + "' has no type that 'datagen' can make");
}

}  // namespace

Result<std::unique_ptr<DatagenColumn>> MakeDatagenColumn(const std::string& path,
                                                         const SqlType& type,
                                                         const DatagenOptions& all, uint64_t salt) {
  const FieldOptions options(path, type, all);
  const std::string* kind = options.Find("kind");
  if (kind != nullptr && *kind == "sequence") return MakeSequence(options, type);
  if (kind != nullptr && *kind != "random") {
    return options.Wrong("kind", *kind, "'random' or 'sequence'");
  }
  ARROW_ASSIGN_OR_RAISE(auto values, MakeValues(options, type, all, salt));
  double rate = 0;
  ARROW_RETURN_NOT_OK(options.Read("null-rate", &rate, ParseDouble, "a number from 0 to 1"));
  if (!(rate >= 0 && rate <= 1) || (rate > 0 && !type.nullable())) {
    return options.Wrong("null-rate", std::to_string(rate),
                         type.nullable() ? "a number from 0 to 1" : "0");
  }
  if (rate == 0) return values;
  return std::make_unique<WithNulls>(salt, rate, std::move(values));
}

}  // namespace millrace
