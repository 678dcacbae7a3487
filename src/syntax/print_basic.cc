#include <string>
#include <utility>

#include "syntax/keywords.h"
#include "syntax/print.h"

namespace millrace::syntax {
namespace {

std::string PrintField(const SqlField& field) {
  std::string out = WriteName(field.name) + ' ' + PrintType(field.type);
  return field.comment.empty() ? out : out + ' ' + PrintString(field.comment);
}

}  // namespace

std::string PrintType(const SqlType& type) {
  std::string out;
  switch (type.kind()) {
    case TypeKind::kArray:
      out = "ARRAY<" + PrintType(type.element()) + '>';
      break;
    case TypeKind::kMap:
      out = "MAP<" + PrintType(type.key()) + ", " + PrintType(type.value()) + '>';
      break;
    case TypeKind::kRow:
      for (const SqlField& field : type.fields())
        out += (out.empty() ? "" : ", ") + PrintField(field);
      out = "ROW<" + out + '>';
      break;
    default:
      return type.ToString();
  }
  return type.nullable() ? out : out + " NOT NULL";
}

std::string PrintString(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + '\'';
}

std::string PrintName(const Identifier& name) { return WriteName(name.name); }

std::string QualifiedName::ToString() const {
  std::string out;
  for (const Identifier& part : parts) out += (out.empty() ? "" : ".") + PrintName(part);
  return out;
}

std::string PrintProperty(const Property& property) {
  std::string out = PrintString(property.key) + " = ";
  if (!property.is_map) return out + PrintString(property.value);
  std::string entries;
  for (const Property& entry : property.entries) {
    entries +=
        (entries.empty() ? "" : ", ") + PrintString(entry.key) + ", " + PrintString(entry.value);
  }
  return out + "MAP[" + entries + ']';
}

std::string PrintHints(const std::vector<Hint>& hints) {
  std::string out;
  for (const Hint& hint : hints) {
    std::string arguments;
    const auto append = [&](const std::string& argument) {
      arguments += (arguments.empty() ? "" : ", ") + argument;
    };
    for (const Property& option : hint.options) append(PrintProperty(option));
    for (const std::string& argument : hint.arguments) append(PrintString(argument));
    out += (out.empty() ? " /*+ " : ", ") + PrintName(hint.name);
    if (!arguments.empty()) out += '(' + arguments + ')';
  }
  return out.empty() ? out : out + " */";
}

Layout PrintItems(std::vector<Layout> items) {
  if (items.size() == 1) return Layout::Group(std::move(items.front()));
  const Layout separator = Layout::Join({",", Layout::Line()});
  return Layout::Group(Layout::Nest(Layout::Join(std::move(items), separator)));
}

Layout PrintNames(const std::vector<Identifier>& names) {
  return PrintList("(", PrintEach(names, PrintName), ")");
}

Layout PrintList(Layout open, std::vector<Layout> items, Layout close) {
  if (items.empty()) return Layout::Join({std::move(open), std::move(close)});
  const Layout separator = Layout::Join({",", Layout::Line()});
  Layout inside = Layout::Join({Layout::SoftLine(), Layout::Join(std::move(items), separator)});
  return Layout::Group(Layout::Join(
      {std::move(open), Layout::Nest(std::move(inside)), Layout::SoftLine(), std::move(close)}));
}

Layout PrintExpressions(const std::vector<ExpressionPtr>& expressions) {
  return PrintItems(PrintEach(
      expressions, [](const ExpressionPtr& expression) { return PrintNode(*expression); }));
}

Layout PrintOrder(const std::vector<OrderItem>& items) {
  return PrintItems(PrintEach(items, [](const OrderItem& item) { return PrintNode(item); }));
}

Layout PrintNode(const OrderItem& item) {
  std::string suffix = item.descending ? " DESC" : "";
  if (item.nulls_first) suffix += *item.nulls_first ? " NULLS FIRST" : " NULLS LAST";
  return Layout::Join({PrintNode(*item.expression), suffix});
}

}  // namespace millrace::syntax
