#include "connectors/register.h"

namespace millrace {
namespace {

std::string_view NameOf(OptionType type) {
  switch (type) {
    case OptionType::kString:
      return "string";
    case OptionType::kBool:
      return "boolean";
    case OptionType::kInt:
      return "integer";
    case OptionType::kDouble:
      return "number";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kBytes:
      return "size";
    case OptionType::kEnum:
      return "choice";
    case OptionType::kMap:
      return "map";
  }
  return "";
}

/// Text within a cell of a table.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

std::string Quoted(std::string_view text) {
  return text.empty() ? std::string() : "`" + Cell(text) + "`";
}

void AppendOptions(const std::string& prefix, const std::vector<OptionSpec>& options,
                   std::string* out) {
  if (options.empty()) return;
  *out += "\n| option | type | default | |\n|---|---|---|---|\n";
  for (const auto& option : options) {
    std::string type(NameOf(option.type));
    for (size_t i = 0; i < option.choices.size(); ++i) {
      type += (i == 0 ? ": " : ", ") + Quoted(option.choices[i]);
    }
    *out += "| " + Quoted(prefix + option.key + (option.prefix ? "…" : "")) + " | " + type + " | " +
            (option.required ? "required" : Quoted(option.default_value)) + " | " +
            Cell(option.doc) + " |\n";
  }
}

void AppendExample(const std::string& example, std::string* out) {
  if (!example.empty()) *out += "\n```sql\n" + example + ";\n```\n";
}

}  // namespace

std::string ConnectorsReference(const Registries& registries) {
  std::string page =
      "# Connectors and formats\n\nMade from the declarations that SQL checks statements by.\n";
  page += "\n## Connectors\n";
  for (const auto* connector : registries.connectors.All()) {
    const bool source = connector->make_reader != nullptr, sink = connector->make_writer != nullptr;
    page += "\n### " + connector->name + "\n\n";
    page += source && sink ? "Source and sink." : source ? "Source." : "Sink.";
    if (connector->needs_format) page += " With a `format`.";
    page += " " + connector->doc + "\n";
    AppendExample(connector->example, &page);
    AppendOptions("", connector->options, &page);
    if (connector->metadata.empty()) continue;
    page += "\n| metadata | type | |\n|---|---|---|\n";
    for (const auto& column : connector->metadata) {
      page += "| " + Quoted(column.key) + " | " + Cell(column.type.ToString()) + " | " +
              Cell(column.doc) + " |\n";
    }
  }
  page += "\n## Formats\n";
  for (const auto* format : registries.formats.All()) {
    page += "\n### " + format->name + "\n\n" + format->doc + "\n";
    AppendExample(format->example, &page);
    AppendOptions(format->name + ".", format->options, &page);
  }
  return page;
}

}  // namespace millrace
