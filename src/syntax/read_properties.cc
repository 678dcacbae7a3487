#include <algorithm>
#include <utility>

#include "syntax/read_query.h"

namespace millrace::syntax {
namespace {

void CheckUnique(const Cursor& cursor, const std::vector<Property>& properties) {
  std::vector<const Property*> sorted;
  for (const Property& property : properties) sorted.push_back(&property);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Property* a, const Property* b) { return a->key < b->key; });
  const auto twice =
      std::adjacent_find(sorted.begin(), sorted.end(),
                         [](const Property* a, const Property* b) { return a->key == b->key; });
  if (twice == sorted.end()) return;
  const Property& second = **std::next(twice);
  cursor.FailAt(second.position, "the option '" + second.key + "' is given twice",
                "it was first given at " + std::to_string((*twice)->position.line) + ":" +
                    std::to_string((*twice)->position.column));
}

Property ReadMapEntry(Cursor& cursor) {
  Property entry;
  entry.position = cursor.place();
  entry.key = cursor.ReadString();
  cursor.Expect(",");
  entry.value_position = cursor.place();
  entry.value = cursor.ReadString(kOptionValue);
  return entry;
}

void ReadOptionValue(Cursor& cursor, Property* property) {
  property->value_position = cursor.place();
  if (!cursor.Is("MAP [")) {
    property->value = cursor.ReadString(kOptionValue);
    return;
  }
  cursor.Expect("MAP [");
  property->is_map = true;
  if (cursor.Accept("]")) return;
  property->entries = ReadList(cursor, ReadMapEntry);
  cursor.Expect("]");
  CheckUnique(cursor, property->entries);
}

void ReadHintArgument(Cursor& cursor, Hint* hint) {
  const Position at = cursor.place();
  const bool is_name = cursor.IsName();
  const bool is_number = cursor.token().kind == TokenKind::kInteger;
  std::string text;
  if (is_name) {
    text = cursor.ReadName(kAnyName).name;
  } else if (is_number) {
    text = cursor.Take().text;
  } else {
    text = cursor.ReadString();
  }
  if (is_number || !cursor.Accept("=")) {
    hint->arguments.push_back(std::move(text));
    return;
  }
  Property option;
  option.key = std::move(text);
  option.position = at;
  ReadOptionValue(cursor, &option);
  hint->options.push_back(std::move(option));
}

Hint ReadHint(Cursor& cursor) {
  Hint hint;
  hint.name = cursor.ReadName(kAnyName);
  if (!cursor.Accept("(") || cursor.Accept(")")) return hint;
  do {
    ReadHintArgument(cursor, &hint);
  } while (cursor.Accept(","));
  cursor.Expect(")");
  CheckUnique(cursor, hint.options);
  return hint;
}

}  // namespace

std::vector<Hint> ReadHints(Cursor& cursor) {
  std::vector<Hint> hints;
  if (!cursor.Is("/*+")) return hints;
  cursor.Take();
  do {
    hints.push_back(ReadHint(cursor));
  } while (cursor.Accept(",") || cursor.IsName());
  cursor.Expect("*/");
  return hints;
}

Property ReadProperty(Cursor& cursor) {
  Property property;
  property.position = cursor.place();
  property.key = cursor.ReadString(kOptionKey);
  cursor.Expect("=");
  ReadOptionValue(cursor, &property);
  return property;
}

std::vector<Property> ReadProperties(Cursor& cursor) {
  cursor.Expect("(");
  if (cursor.Accept(")")) return {};
  std::vector<Property> properties = ReadList(cursor, ReadProperty);
  cursor.Expect(")");
  CheckUnique(cursor, properties);
  return properties;
}

}  // namespace millrace::syntax
