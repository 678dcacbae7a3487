#include "base/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/suggest.h"

namespace millrace {
namespace {

const OptionSpec* FindSpec(std::span<const OptionSpec> specs, std::string_view key) {
  const OptionSpec* best = nullptr;
  for (const OptionSpec& spec : specs) {
    if (!spec.prefix && spec.key == key) return &spec;
    const bool below = spec.prefix && key.size() > spec.key.size() && key.starts_with(spec.key);
    if (below && (best == nullptr || best->key.size() < spec.key.size())) best = &spec;
  }
  return best;
}

/// The whole of `text` as a number.
template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::string Shown(double limit) {
  std::string text = std::to_string(limit);
  text.erase(text.find_last_not_of('0') + 1);
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

Status CheckRange(const OptionSpec& spec, std::optional<double> value, const char* what) {
  if (!value || std::isnan(*value)) return Error::User(std::string("it is not a ") + what);
  if (spec.min && *value < *spec.min) return Error::User("it must be at least " + Shown(*spec.min));
  if (spec.max && *value > *spec.max) return Error::User("it must be at most " + Shown(*spec.max));
  return Status::OK();
}

/// What is wrong with the value, as the end of a sentence.
Status CheckValue(const OptionSpec& spec, const std::string& value) {
  switch (spec.type) {
    case OptionType::kString:
      return Status::OK();
    case OptionType::kBool:
      return ParseBool(value).status();
    case OptionType::kInt: {
      const auto number = ParseNumber<int64_t>(value);
      return CheckRange(spec,
                        number ? std::optional<double>(static_cast<double>(*number)) : std::nullopt,
                        "whole number");
    }
    case OptionType::kDouble:
      return CheckRange(spec, ParseNumber<double>(value), "number");
    case OptionType::kDuration:
      return ParseDurationMicros(value).status();
    case OptionType::kBytes: {
      ARROW_ASSIGN_OR_RAISE(const int64_t bytes, ParseBytes(value));
      return CheckRange(spec, static_cast<double>(bytes), "number of bytes");
    }
    case OptionType::kEnum:
      if (std::find(spec.choices.begin(), spec.choices.end(), value) != spec.choices.end())
        return Status::OK();
      return Error::User("there is no such choice").Hint(Suggest(value, spec.choices));
    case OptionType::kMap:
      return ParseMap(value).status();
  }
  return Status::OK();
}

}  // namespace

Result<Options> Options::Make(std::string_view owner, std::span<const OptionSpec> specs,
                              std::map<std::string, std::string> values,
                              const OptionPositions& positions) {
  const auto at = [&](const std::string& key) {
    const auto found = positions.find(key);
    return found == positions.end() ? Position{} : found->second;
  };
  std::vector<std::string> keys;
  for (const OptionSpec& spec : specs) keys.push_back(spec.key);

  for (const auto& [key, value] : values) {
    const OptionSpec* spec = FindSpec(specs, key);
    if (spec == nullptr) {
      return Error::User(std::string(owner) + " has no option '" + key + "'")
          .At(at(key))
          .Hint(specs.empty() ? "it takes no options" : Suggest(key, keys));
    }
    const Status checked = CheckValue(*spec, value);
    if (checked.ok()) continue;
    std::string hint = InfoOf(checked).hint;
    if (hint.empty()) hint = spec->doc;
    const std::string shown = spec->secret ? "******" : RedactedValue(key, value);
    return Error::User(std::string(owner) + ": the option '" + key + "' is '" + shown +
                       "': " + checked.message())
        .At(at(key))
        .Hint(std::move(hint));
  }
  for (const OptionSpec& spec : specs) {
    const auto below = values.lower_bound(spec.key);
    const bool written = below != values.end() && (spec.prefix ? below->first.starts_with(spec.key)
                                                               : below->first == spec.key);
    if (spec.required && !written) {
      return Error::User(std::string(owner) + " needs the option '" + spec.key + "'")
          .Hint("add '" + spec.key + "' = '…' to WITH: " + spec.doc);
    }
  }
  Options options;
  options.specs_.assign(specs.begin(), specs.end());
  options.values_ = std::move(values);
  return options;
}

const OptionSpec* Options::Spec(std::string_view key) const { return FindSpec(specs_, key); }

std::string Options::Text(std::string_view key) const {
  if (const auto at = values_.find(std::string(key)); at != values_.end()) return at->second;
  const OptionSpec* spec = Spec(key);
  return spec == nullptr ? std::string() : spec->default_value;
}

bool Options::Has(std::string_view key) const { return values_.contains(std::string(key)); }
std::string Options::String(std::string_view key) const { return Text(key); }
bool Options::Bool(std::string_view key) const { return ParseBool(Text(key)).ValueOr(false); }
int64_t Options::Int(std::string_view key) const {
  return ParseNumber<int64_t>(Text(key)).value_or(0);
}
double Options::Double(std::string_view key) const {
  return ParseNumber<double>(Text(key)).value_or(0);
}
int64_t Options::DurationMicros(std::string_view key) const {
  return ParseDurationMicros(Text(key)).ValueOr(0);
}
int64_t Options::Bytes(std::string_view key) const { return ParseBytes(Text(key)).ValueOr(0); }
std::map<std::string, std::string> Options::Map(std::string_view key) const {
  return ParseMap(Text(key)).ValueOr(std::map<std::string, std::string>());
}

std::map<std::string, std::string> Options::Under(std::string_view prefix) const {
  std::map<std::string, std::string> below;
  for (auto at = values_.lower_bound(std::string(prefix));
       at != values_.end() && at->first.starts_with(prefix); ++at) {
    if (at->first.size() > prefix.size()) below[at->first.substr(prefix.size())] = at->second;
  }
  return below;
}

std::map<std::string, std::string> Options::Redacted() const {
  std::map<std::string, std::string> shown;
  for (const auto& [key, value] : values_) {
    const OptionSpec* spec = Spec(key);
    const bool secret = spec != nullptr && spec->secret;
    shown[key] = RedactedValue(secret ? "secret" : key, value);
  }
  return shown;
}

}  // namespace millrace
