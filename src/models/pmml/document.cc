#include "models/pmml/document.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/suggest.h"

namespace millrace::pmml {
namespace {

constexpr int kMostDepth = 1000;  // the compiler recurses

std::string_view LocalName(const char* name) {
  const std::string_view whole = name;
  const auto colon = whole.rfind(':');
  return colon == std::string_view::npos ? whole : whole.substr(colon + 1);
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

bool ParseNumber(std::string_view text, double* out) {
  text = Trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text == "INF" || text == "-INF") {
    *out = text[0] == '-' ? -std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::infinity();
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view Element::name() const { return LocalName(node_.name()); }

std::vector<Element> Element::Children() const {
  std::vector<Element> children;
  for (const pugi::xml_node node : node_.children()) {
    if (node.type() == pugi::node_element && LocalName(node.name()) != "Extension")
      children.emplace_back(document_, node);
  }
  return children;
}

std::vector<Element> Element::Children(std::string_view name) const {
  std::vector<Element> children;
  for (const pugi::xml_node node : node_.children()) {
    if (LocalName(node.name()) == name) children.emplace_back(document_, node);
  }
  return children;
}

Element Element::Child(std::string_view name) const {
  for (const pugi::xml_node node : node_.children()) {
    if (LocalName(node.name()) == name) return {document_, node};
  }
  return {};
}

Element Element::Require(std::string_view name) const {
  const Element child = Child(name);
  if (!child) Fail("lacks the element <" + std::string(name) + ">");
  return child;
}

std::string Element::RequireText(const char* attribute) const {
  if (!Has(attribute)) Fail(std::string("lacks the attribute '") + attribute + "'");
  return Text(attribute);
}

double Element::Number(const char* attribute) const {
  double value = 0;
  const std::string text = RequireText(attribute);
  if (!ParseNumber(text, &value))
    Fail(std::string("has the attribute ") + attribute + "=\"" + text + "\", which is no number");
  return value;
}

int Element::Integer(const char* attribute, int otherwise) const {
  if (!Has(attribute)) return otherwise;
  const double value = Number(attribute);
  if (value != std::floor(value) || std::abs(value) > 1e9)
    Fail(std::string("has the attribute ") + attribute + "=\"" + Text(attribute) +
         "\", which is no whole number");
  return static_cast<int>(value);
}

bool Element::Flag(const char* attribute, bool otherwise) const {
  if (!Has(attribute)) return otherwise;
  return Choice<bool>(attribute, {{"true", true}, {"1", true}, {"false", false}, {"0", false}});
}

std::vector<std::string> Element::ArrayWords() const {
  std::vector<std::string> words;
  std::string word;
  bool inside = false, quoted = false;
  const std::string_view all = text();
  for (size_t i = 0; i < all.size(); ++i) {
    const char c = all[i];
    if (quoted && c == '\\' && i + 1 < all.size() && (all[i + 1] == '"' || all[i + 1] == '\\')) {
      word += all[++i];
    } else if (c == '"' && (quoted || !inside)) {
      quoted = !quoted;
      inside = true;
    } else if (!quoted && (c == ' ' || c == '\n' || c == '\t' || c == '\r')) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (quoted) Fail("has a word whose quote is not closed");
  if (inside) words.push_back(std::move(word));
  if (Has("n") && Integer("n", 0) != static_cast<int>(words.size()))
    Fail("has " + std::to_string(words.size()) + " values, but n=\"" + Text("n") + "\"");
  return words;
}

std::vector<double> Element::ArrayNumbers() const {
  std::vector<double> numbers;
  for (const std::string& word : ArrayWords()) {
    if (!ParseNumber(word, &numbers.emplace_back())) Fail("has '" + word + "', which is no number");
  }
  return numbers;
}

void Element::Fail(const std::string& message, std::string hint) const {
  throw Fault{Error::User("<" + std::string(name()) + "> " + message)
                  .At(document_->PositionOf(node_.offset_debug()))
                  .In(document_->where())
                  .Hint(std::move(hint))};
}

void Element::FailUnsupported(const std::string& what, const std::string& supported) const {
  Fail("uses " + what + ", which is not supported", "supported: " + supported);
}

void Element::FailChoice(const char* attribute, const std::string& word,
                         const std::vector<std::string>& words) const {
  Fail(std::string("has ") + attribute + "=\"" + word + "\", which is not supported",
       Suggest(word, words));
}

Document::Document(std::string_view bytes, std::string where) : where_(std::move(where)) {
  line_starts_.push_back(0);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n') line_starts_.push_back(static_cast<std::ptrdiff_t>(i) + 1);
  }
  const pugi::xml_parse_result parsed =
      document_.load_buffer(bytes.data(), bytes.size(), pugi::parse_default);
  if (!parsed) {
    throw Fault{
        Error::User(std::string("the model is not well-formed XML: ") + parsed.description())
            .At(PositionOf(parsed.offset))
            .In(where_)
            .Hint("check that the file is complete")};
  }
  root_ = document_.document_element();
  if (LocalName(root_.name()) != "PMML") {
    throw Fault{
        Error::User("the model is no PMML: its root element is <" + std::string(root_.name()) + ">")
            .At(PositionOf(root_.offset_debug()))
            .In(where_)
            .Hint("the provider 'pmml' reads PMML 3.0 to 4.4")};
  }
  CheckDepth(root_);
}

Position Document::PositionOf(std::ptrdiff_t offset) const {
  if (offset < 0) return {};
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return {static_cast<int>(after - line_starts_.begin()), static_cast<int>(offset - after[-1]) + 1};
}

void Document::CheckDepth(pugi::xml_node root) const {
  int depth = 0;
  pugi::xml_node node = root;
  while (node) {
    if (pugi::xml_node child = node.first_child()) {
      if (++depth > kMostDepth) {
        Element(this, node).Fail("lies more than " + std::to_string(kMostDepth) + " elements deep");
      }
      node = child;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (node == root) return;
    node = node.next_sibling();
  }
}

}  // namespace millrace::pmml
