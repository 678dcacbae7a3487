#include "spi/services.h"

#include <algorithm>
#include <cctype>

#include "base/suggest.h"

namespace millrace {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

template <class Spec>
std::vector<std::string> AliasesOf(const Spec& spec) {
  if constexpr (requires { spec.aliases; }) return spec.aliases;
  return {};
}

template <class Spec>
std::vector<std::string> NamesOf(const Registry<Spec>& registry) {
  std::vector<std::string> names;
  for (const Spec* spec : registry.All()) names.push_back(spec->name);
  return names;
}

Position PositionOf(const OptionPositions& positions, const std::string& key) {
  const auto at = positions.find(key);
  return at == positions.end() ? Position{} : at->second;
}

}  // namespace

template <class Spec>
void Registry<Spec>::Add(Spec spec) {
  auto shared = std::make_shared<Spec>(std::move(spec));
  for (const auto& alias : AliasesOf(*shared)) by_name_[Lower(alias)] = shared;
  by_name_[Lower(shared->name)] = shared;
}

template <class Spec>
const Spec* Registry<Spec>::Find(std::string_view name) const {
  const auto at = by_name_.find(Lower(name));
  return at == by_name_.end() ? nullptr : at->second.get();
}

template <class Spec>
Result<const Spec*> Registry<Spec>::Get(std::string_view name) const {
  if (const Spec* spec = Find(name)) return spec;
  return Error::User("there is no " + kind_ + " '" + std::string(name) + "'")
      .Hint(Suggest(name, NamesOf(*this)));
}

template <class Spec>
std::vector<const Spec*> Registry<Spec>::All() const {
  std::vector<const Spec*> specs;
  for (const auto& [name, spec] : by_name_) {
    if (name == Lower(spec->name)) specs.push_back(spec.get());
  }
  return specs;
}

template class Registry<ConnectorSpec>;
template class Registry<FormatSpec>;
template class Registry<ScalarFunctionSpec>;
template class Registry<AggregateFunctionSpec>;
template class Registry<ModelProviderSpec>;

Result<ResolvedTable> ResolveTable(const Registries& registries, const TableConfig& table,
                                   const OptionPositions& positions) {
  ResolvedTable resolved;
  if (table.connector.empty()) {
    return Error::User("table '" + table.name + "' has no 'connector' option")
        .Hint(Suggest({}, NamesOf(registries.connectors)));
  }
  auto connector = registries.connectors.Get(table.connector);
  if (!connector.ok()) return WithPlace(connector.status(), PositionOf(positions, "connector"));
  resolved.connector = *connector;

  auto options = table.options;
  options.erase("connector");
  constexpr std::string_view kWatermark = "scan.watermark.";
  std::map<std::string, std::string> watermark_options;
  for (auto at = options.lower_bound(std::string(kWatermark));
       at != options.end() && at->first.starts_with(kWatermark); at = options.erase(at)) {
    watermark_options.insert(*at);
  }
  ARROW_ASSIGN_OR_RAISE(resolved.watermark_options,
                        Options::Make("table '" + table.name + "'", WatermarkOptions(),
                                      std::move(watermark_options), positions));
  std::string format_name, format_key = "format", prefix;
  if (!options.contains(format_key) && options.contains("value.format")) {
    format_key = "value.format";
    prefix = "value.";
  }
  if (const auto at = options.find(format_key); at != options.end()) {
    format_name = at->second;
    options.erase(at);
  }
  if (format_name.empty() && resolved.connector->needs_format) {
    return Error::User("table '" + table.name + "' has no 'format' option: the connector '" +
                       resolved.connector->name + "' reads and writes through one")
        .At(PositionOf(positions, "connector"))
        .Hint(Suggest({}, NamesOf(registries.formats)));
  }
  if (!format_name.empty() && !resolved.connector->needs_format) {
    return Error::User("the connector '" + resolved.connector->name + "' takes no 'format'")
        .At(PositionOf(positions, format_key))
        .Hint("remove the option");
  }
  if (!format_name.empty()) {
    auto format = registries.formats.Get(format_name);
    if (!format.ok()) return WithPlace(format.status(), PositionOf(positions, format_key));
    resolved.format = *format;
    prefix += resolved.format->name + ".";
    std::map<std::string, std::string> format_options;
    OptionPositions format_positions;
    for (auto at = options.lower_bound(prefix);
         at != options.end() && at->first.starts_with(prefix); at = options.erase(at)) {
      const std::string key = at->first.substr(prefix.size());
      format_options[key] = at->second;
      format_positions[key] = PositionOf(positions, at->first);
    }
    ARROW_ASSIGN_OR_RAISE(
        resolved.format_options,
        Options::Make("format '" + resolved.format->name + "'", resolved.format->options,
                      std::move(format_options), format_positions));
  }
  ARROW_ASSIGN_OR_RAISE(resolved.options,
                        Options::Make("connector '" + resolved.connector->name + "'",
                                      resolved.connector->options, std::move(options), positions));
  if (resolved.connector->check != nullptr) {
    ARROW_RETURN_NOT_OK(resolved.connector->check(table, resolved.options));
  }
  return resolved;
}

}  // namespace millrace
