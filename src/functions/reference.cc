#include "functions/reference.h"

#include <array>
#include <utility>

#include "spi/services.h"

namespace millrace {
namespace {

template <class Spec>
void AppendFunction(const Spec& spec, std::string* page) {
  *page += "### " + spec.name + "\n\n`" + spec.syntax + "`\n\n" + spec.doc + "\n\n";
  for (const FunctionExample& example : spec.examples) {
    *page += "`" + example.expression + "` gives `" + example.result + "`.\n\n";
  }
}

}  // namespace

std::string FunctionsReference(const Registries& registries) {
  static constexpr std::array<std::pair<FunctionFamily, const char*>, 9> kTitles{
      {{FunctionFamily::kComparison, "Comparison"},
       {FunctionFamily::kLogical, "Logic"},
       {FunctionFamily::kArithmetic, "Arithmetic"},
       {FunctionFamily::kString, "Text"},
       {FunctionFamily::kTemporal, "Date and time"},
       {FunctionFamily::kConditional, "Conditions"},
       {FunctionFamily::kConversion, "Conversion"},
       {FunctionFamily::kCollection, "Arrays, maps and rows"},
       {FunctionFamily::kOther, "Other"}}};
  std::string page = "# Functions\n\n";
  const auto specs = registries.functions.All();
  for (const auto& [family, title] : kTitles) {
    std::string section;
    for (const ScalarFunctionSpec* spec : specs) {
      if (spec->family != family) continue;
      AppendFunction(*spec, &section);
      if (spec->aliases.empty()) continue;
      section += "Also:";
      for (const std::string& alias : spec->aliases) section += " `" + alias + "`";
      section += "\n\n";
    }
    if (!section.empty()) page += "## " + std::string(title) + "\n\n" + section;
  }
  page += "## Aggregates\n\n";
  for (const AggregateFunctionSpec* spec : registries.aggregates.All())
    AppendFunction(*spec, &page);
  return page;
}

}  // namespace millrace
