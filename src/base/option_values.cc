#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include "base/options.h"

namespace millrace {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr int64_t kMillis = 1000, kSecond = 1000 * kMillis, kMinute = 60 * kSecond,
                  kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::array kDurationUnits = {Unit{"us", 1},
                                       Unit{"µs", 1},
                                       Unit{"micro", 1},
                                       Unit{"micros", 1},
                                       Unit{"microsecond", 1},
                                       Unit{"microseconds", 1},
                                       Unit{"", kMillis},
                                       Unit{"ms", kMillis},
                                       Unit{"milli", kMillis},
                                       Unit{"millis", kMillis},
                                       Unit{"millisecond", kMillis},
                                       Unit{"milliseconds", kMillis},
                                       Unit{"s", kSecond},
                                       Unit{"sec", kSecond},
                                       Unit{"secs", kSecond},
                                       Unit{"second", kSecond},
                                       Unit{"seconds", kSecond},
                                       Unit{"m", kMinute},
                                       Unit{"min", kMinute},
                                       Unit{"minute", kMinute},
                                       Unit{"minutes", kMinute},
                                       Unit{"h", kHour},
                                       Unit{"hour", kHour},
                                       Unit{"hours", kHour},
                                       Unit{"d", kDay},
                                       Unit{"day", kDay},
                                       Unit{"days", kDay}};

constexpr int64_t kKilo = 1024, kMega = 1024 * kKilo, kGiga = 1024 * kMega, kTera = 1024 * kGiga;
constexpr std::array kByteUnits = {Unit{"", 1},
                                   Unit{"b", 1},
                                   Unit{"byte", 1},
                                   Unit{"bytes", 1},
                                   Unit{"k", kKilo},
                                   Unit{"kb", kKilo},
                                   Unit{"kibibytes", kKilo},
                                   Unit{"m", kMega},
                                   Unit{"mb", kMega},
                                   Unit{"mebibytes", kMega},
                                   Unit{"g", kGiga},
                                   Unit{"gb", kGiga},
                                   Unit{"gibibytes", kGiga},
                                   Unit{"t", kTera},
                                   Unit{"tb", kTera},
                                   Unit{"tebibytes", kTera}};

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// A whole number and a unit.
Result<int64_t> ParseQuantity(std::string_view text, std::span<const Unit> units, const char* what,
                              const char* hint) {
  const std::string_view trimmed = Trimmed(text);
  const auto refuse = [&](const std::string& why) {
    return Error::User("'" + std::string(text) + "' is not a " + what + why).Hint(hint);
  };
  int64_t number = 0;
  const char* end = trimmed.data() + trimmed.size();
  const auto [rest, error] = std::from_chars(trimmed.data(), end, number);
  if (error == std::errc::result_out_of_range) return refuse(": the number is too large");
  if (error != std::errc() || rest == trimmed.data()) return refuse("");
  if (number < 0) return refuse(": it is negative");
  if (rest != end && *rest == '.') return refuse(": only whole numbers; use a smaller unit");
  const std::string unit = Lower(Trimmed({rest, static_cast<size_t>(end - rest)}));
  const auto at =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit; });
  if (at == units.end()) return refuse(": there is no unit '" + unit + "'");
  if (number > std::numeric_limits<int64_t>::max() / at->factor) return refuse(": it is too large");
  return number * at->factor;
}

/// The next part of a map's text up to one of `ends`, quotes taken off; null where a quote stays
/// open.
std::optional<std::string> TakePart(std::string_view* text, std::string_view ends) {
  while (!text->empty() && std::isspace(static_cast<unsigned char>(text->front())))
    text->remove_prefix(1);
  if (text->empty() || text->front() != '\'') {
    const size_t end = std::min(text->find_first_of(ends), text->size());
    const std::string part(Trimmed(text->substr(0, end)));
    text->remove_prefix(end);
    return part;
  }
  std::string part;
  for (size_t i = 1; i < text->size(); ++i) {
    if ((*text)[i] != '\'') {
      part += (*text)[i];
    } else if (i + 1 < text->size() && (*text)[i + 1] == '\'') {
      part += (*text)[i++];
    } else {
      *text = Trimmed(text->substr(i + 1));
      return part;
    }
  }
  return std::nullopt;
}

std::string Quoted(const std::string& part) {
  if (!part.empty() && part == Trimmed(part) && part.find_first_of(",:'") == std::string::npos)
    return part;
  std::string out = "'";
  for (const char c : part) out.append(c == '\'' ? 2 : 1, c);
  return out + '\'';
}

}  // namespace

Result<int64_t> ParseDurationMicros(std::string_view text) {
  return ParseQuantity(text, kDurationUnits, "duration",
                       "write a whole number and a unit: '500 ms', '30 s', '5 min', '2 h', '1 d'");
}

Result<int64_t> ParseBytes(std::string_view text) {
  return ParseQuantity(text, kByteUnits, "size",
                       "write a whole number and a unit: '512 kb', '64 mb', '1 gb'");
}

Result<bool> ParseBool(std::string_view text) {
  const std::string lower = Lower(Trimmed(text));
  if (lower == "true") return true;
  if (lower == "false") return false;
  return Error::User("'" + std::string(text) + "' is neither true nor false")
      .Hint("write 'true' or 'false'");
}

Result<std::map<std::string, std::string>> ParseMap(std::string_view text) {
  const auto refuse = [&](const std::string& why) {
    return Error::User("'" + std::string(text) + "' is not a map: " + why)
        .Hint(
            "write 'key:value,key2:value2', with single quotes around a part that holds ',' or "
            "':'");
  };
  std::map<std::string, std::string> map;
  std::string_view rest = Trimmed(text);
  while (!rest.empty()) {
    const auto key = TakePart(&rest, ":,");
    if (!key) return refuse("a quote is not closed");
    if (rest.empty() || rest.front() != ':') return refuse("'" + *key + "' has no ':' and value");
    if (key->empty()) return refuse("a key is empty");
    rest.remove_prefix(1);
    const auto value = TakePart(&rest, ",");
    if (!value) return refuse("a quote is not closed");
    if (!rest.empty() && rest.front() != ',')
      return refuse("there is text after the quoted '" + *value + "'");
    if (!rest.empty()) rest.remove_prefix(1);
    if (!map.emplace(*key, *value).second) return refuse("the key '" + *key + "' is there twice");
  }
  return map;
}

std::vector<std::string> ParseNames(std::string_view text) {
  std::vector<std::string> names(1);
  for (const char c : text) {
    if (c == ',')
      names.emplace_back();
    else if (c != ' ')
      names.back() += c;
  }
  std::erase(names, "");
  return names;
}

std::string FormatMap(const std::map<std::string, std::string>& map) {
  std::string text;
  for (const auto& [key, value] : map) {
    if (!text.empty()) text += ',';
    // Only the first ':' of a pair divides it.
    const bool plain = value.find_first_of(",'") == std::string::npos && value == Trimmed(value);
    text += Quoted(key) + ':' + (plain ? value : Quoted(value));
  }
  return text;
}

}  // namespace millrace
