#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace {

enum class OptionType {
  kString,
  kBool,  ///< true | false
  kInt,   ///< 64-bit
  kDouble,
  kDuration,  ///< "500 ms", "30s", "1 min", "2 h", "1 d"; a bare number is milliseconds
  kBytes,     ///< "64 mb", "1g"; a bare number is bytes
  kEnum,      ///< one of `choices`
  kMap,       ///< "k:v,k2:v2", parts with ',' or ':' in single quotes; in SQL also MAP['k', 'v']
};

/// One option of a connector, format, provider or of SET: the single source of its validation, docs
/// and forms.
struct OptionSpec {
  std::string key;
  OptionType type = OptionType::kString;
  std::string default_value;  ///< empty: none
  std::string doc;            ///< one sentence
  bool required = false;
  std::vector<std::string> choices = {};     ///< kEnum
  std::optional<double> min = {}, max = {};  ///< kInt, kDouble, kBytes; inclusive
  bool secret = false;                       ///< redacted wherever it is shown
  bool prefix = false;  ///< `key` is a prefix such as "fields.": any key below it is accepted
};

/// Where each option of a statement was written.
using OptionPositions = std::map<std::string, Position>;

/// Options as written, checked against their specs. Immutable; thread-safe.
class Options {
 public:
  Options() = default;

  /// Checks names (unknown: suggests), required ones, types, choices and ranges; the first fault is
  /// returned, at its position, with `owner` ("connector 'datagen'") in the message.
  static Result<Options> Make(std::string_view owner, std::span<const OptionSpec> specs,
                              std::map<std::string, std::string> values,
                              const OptionPositions& positions = {});

  /// Getters give the value as written, else the spec's default, else zero, false or nothing: `Has`
  /// tells.
  bool Has(std::string_view key) const;  ///< written, not defaulted
  std::string String(std::string_view key) const;
  bool Bool(std::string_view key) const;
  int64_t Int(std::string_view key) const;
  double Double(std::string_view key) const;
  int64_t DurationMicros(std::string_view key) const;
  int64_t Bytes(std::string_view key) const;
  std::map<std::string, std::string> Map(std::string_view key) const;
  /// The keys written under a prefix option, with the prefix taken off.
  std::map<std::string, std::string> Under(std::string_view prefix) const;

  const std::map<std::string, std::string>& values() const { return values_; }  ///< as written
  /// As written, with what the specs or `RedactedValue` call secret hidden.
  std::map<std::string, std::string> Redacted() const;

 private:
  const OptionSpec* Spec(std::string_view key) const;
  std::string Text(std::string_view key) const;

  std::vector<OptionSpec> specs_;
  std::map<std::string, std::string> values_;
};

/// What may be shown of an option: "******" for a key that speaks of a token, password, secret,
/// credential, key or header, and for the password within a URL. A reference such as
/// "${SECRET:name}" holds no secret and is kept.
std::string RedactedValue(std::string_view key, std::string_view value);

Result<int64_t> ParseDurationMicros(std::string_view text);
Result<int64_t> ParseBytes(std::string_view text);
Result<bool> ParseBool(std::string_view text);
Result<std::map<std::string, std::string>> ParseMap(std::string_view text);
/// The parts of a list with commas; blanks and empty parts are left out.
std::vector<std::string> ParseNames(std::string_view text);
/// The text that `ParseMap` reads back.
std::string FormatMap(const std::map<std::string, std::string>& map);

}  // namespace millrace
