#include "cli/reference.h"

#include <algorithm>
#include <cctype>

#include "session/settings.h"

namespace millrace::cli {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

template <class Spec>
ReferenceEntry Common(const Spec& spec) {
  ReferenceEntry entry;
  entry.name = spec.name;
  entry.doc = spec.doc;
  return entry;
}

template <class Spec>
ReferenceEntry FunctionEntry(const Spec& spec) {
  ReferenceEntry entry = Common(spec);
  entry.syntax = spec.syntax;
  for (const FunctionExample& example : spec.examples)
    entry.evaluated.emplace_back(example.expression, example.result);
  return entry;
}

template <class Spec>
ReferenceEntry OptionsEntry(const Spec& spec) {
  ReferenceEntry entry = Common(spec);
  entry.options = spec.options;
  entry.example = spec.example;
  return entry;
}

const char* TypeName(OptionType type) {
  switch (type) {
    case OptionType::kString:
      return "text";
    case OptionType::kBool:
      return "boolean";
    case OptionType::kInt:
      return "integer";
    case OptionType::kDouble:
      return "number";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kBytes:
      return "bytes";
    case OptionType::kEnum:
      return "choice";
    case OptionType::kMap:
      return "map";
  }
  return "";
}

std::string Values(const OptionSpec& option) {
  std::string text = TypeName(option.type);
  if (!option.choices.empty()) {
    text.clear();
    for (const std::string& choice : option.choices) text += (text.empty() ? "" : " | ") + choice;
  }
  return text;
}

std::string DefaultOf(const OptionSpec& option) {
  if (option.required) return "required";
  return option.default_value.empty() ? "" : "default " + option.default_value;
}

std::string KeyOf(const OptionSpec& option) { return option.key + (option.prefix ? "…" : ""); }

std::string ForCell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

std::string Indented(std::string_view text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out + '\n';
}

void AppendMarkdown(const ReferenceEntry& entry, std::string* out) {
  *out += "## " + entry.name + "\n\n";
  if (!entry.syntax.empty()) *out += "`" + entry.syntax + "`\n\n";
  *out += entry.doc + "\n\n";
  if (!entry.aliases.empty()) {
    *out += "Also:";
    for (const std::string& alias : entry.aliases) *out += " `" + alias + "`";
    *out += "\n\n";
  }
  if (!entry.options.empty()) {
    *out += "| option | values | default | |\n|---|---|---|---|\n";
    for (const OptionSpec& option : entry.options) {
      *out += "| `" + KeyOf(option) + "` | " + ForCell(Values(option)) + " | " +
              (option.required ? "required" : ForCell(option.default_value)) + " | " +
              ForCell(option.doc) + " |\n";
    }
    *out += '\n';
  }
  if (!entry.metadata.empty()) {
    *out += "| metadata | type | |\n|---|---|---|\n";
    for (const MetadataSpec& column : entry.metadata) {
      *out += "| `" + column.key + "` | " + column.type.ToString() + " | " + ForCell(column.doc) +
              " |\n";
    }
    *out += '\n';
  }
  if (!entry.evaluated.empty()) {
    *out += "| example | result |\n|---|---|\n";
    for (const auto& [expression, result] : entry.evaluated) {
      *out += "| `" + ForCell(expression) + "` | `" + ForCell(result) + "` |\n";
    }
    *out += '\n';
  }
  if (!entry.example.empty()) *out += "```sql\n" + entry.example + "\n```\n\n";
}

}  // namespace

bool ReferenceEntry::Answers(std::string_view asked) const {
  return SameName(name, asked) || std::ranges::any_of(aliases, [&](const std::string& alias) {
           return SameName(alias, asked);
         });
}

std::vector<ReferenceEntry> ReferenceOf(const Registries& registries, std::string_view kind) {
  std::vector<ReferenceEntry> entries;
  if (kind == "functions") {
    for (const auto* spec : registries.functions.All()) {
      entries.push_back(FunctionEntry(*spec));
      entries.back().aliases = spec->aliases;
    }
    for (const auto* spec : registries.aggregates.All()) entries.push_back(FunctionEntry(*spec));
    std::ranges::sort(entries, {}, &ReferenceEntry::name);
  } else if (kind == "connectors") {
    for (const auto* spec : registries.connectors.All()) {
      entries.push_back(OptionsEntry(*spec));
      entries.back().metadata = spec->metadata;
    }
  } else if (kind == "formats") {
    for (const auto* spec : registries.formats.All()) entries.push_back(OptionsEntry(*spec));
  } else if (kind == "providers") {
    for (const auto* spec : registries.providers.All()) {
      entries.push_back(OptionsEntry(*spec));
      entries.back().aliases = spec->aliases;
    }
  } else {
    for (const OptionSpec& spec : SettingSpecs()) {
      ReferenceEntry entry;
      entry.name = spec.key;
      entry.doc = spec.doc;
      entry.options = {spec};
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

std::string AsList(const std::vector<ReferenceEntry>& entries) {
  size_t width = 0;
  for (const ReferenceEntry& entry : entries) width = std::max(width, entry.name.size());
  std::string out;
  for (const ReferenceEntry& entry : entries) {
    out += entry.name + std::string(width - entry.name.size() + 2, ' ') +
           entry.doc.substr(0, entry.doc.find('\n')) + '\n';
  }
  return out;
}

std::string AsText(const ReferenceEntry& entry) {
  std::string out =
      (entry.syntax.empty() ? entry.name : entry.syntax) + "\n\n" + Indented(entry.doc);
  if (!entry.aliases.empty()) {
    out += "\nalso:";
    for (const std::string& alias : entry.aliases) out += ' ' + alias;
    out += '\n';
  }
  if (!entry.options.empty()) out += "\noptions:\n";
  for (const OptionSpec& option : entry.options) {
    const std::string fallback = DefaultOf(option);
    out += "  " + KeyOf(option) + "  (" + Values(option) +
           (fallback.empty() ? "" : ", " + fallback) + ")\n";
    out += "      " + option.doc + '\n';
  }
  if (!entry.metadata.empty()) out += "\nmetadata columns:\n";
  for (const MetadataSpec& column : entry.metadata) {
    out += "  " + column.key + "  " + column.type.ToString() + "\n      " + column.doc + '\n';
  }
  if (!entry.evaluated.empty()) out += "\nexamples:\n";
  for (const auto& [expression, result] : entry.evaluated)
    out += "  " + expression + "  =  " + result + '\n';
  if (!entry.example.empty()) out += "\nexample:\n" + Indented(entry.example);
  return out;
}

std::string AsMarkdown(const std::vector<ReferenceEntry>& entries) {
  std::string out;
  for (const ReferenceEntry& entry : entries) AppendMarkdown(entry, &out);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace millrace::cli
