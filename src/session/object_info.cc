#include "session/object_info.h"

#include "base/options.h"

namespace millrace {
namespace {

OptionTexts Masked(OptionTexts options, const char* kind) {
  for (auto& [key, value] : options) {
    if (key != kind) value = "******";
  }
  return options;
}

}  // namespace

OptionTexts RedactedOptions(const Registries& registries, const Table& table) {
  const auto resolved = ResolveTable(registries, table.config(), table.positions);
  if (!resolved.ok()) return Masked(table.options, "connector");
  OptionTexts texts = resolved->options.Redacted();
  texts["connector"] = resolved->connector->name;
  if (resolved->format != nullptr) {
    texts["format"] = resolved->format->name;
    for (const auto& [key, value] : resolved->format_options.Redacted()) {
      texts[resolved->format->name + '.' + key] = value;
    }
  }
  return texts;
}

OptionTexts RedactedOptions(const Registries& registries, const Model& model) {
  const ModelProviderSpec* provider = registries.providers.Find(model.config.provider);
  if (provider == nullptr) return Masked(model.config.options, "provider");
  auto written = model.config.options;
  written.erase("provider");
  const auto options = Options::Make("provider '" + provider->name + "'", provider->options,
                                     std::move(written), model.positions);
  if (!options.ok()) return Masked(model.config.options, "provider");
  OptionTexts texts = options->Redacted();
  texts["provider"] = provider->name;
  return texts;
}

}  // namespace millrace
