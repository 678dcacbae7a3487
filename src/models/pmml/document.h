#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pugixml.hpp>

#include "base/error.h"

namespace millrace::pmml {

/// A document that cannot be used. Thrown while one is compiled, caught by `Compile`, so that
/// the hundreds of attributes that may be wrong do not drown what the compiler does.
struct Fault {
  Status status;
};

class Document;

/// An element of the document, or none. Names are local ones: prefixes of namespaces are left out.
/// Lives as long as its document.
class Element {
 public:
  Element() = default;
  Element(const Document* document, pugi::xml_node node) : document_(document), node_(node) {}

  explicit operator bool() const { return static_cast<bool>(node_); }
  std::string_view name() const;
  bool Is(std::string_view name) const { return this->name() == name; }
  std::string_view text() const { return node_.text().get(); }

  std::vector<Element> Children() const;
  std::vector<Element> Children(std::string_view name) const;
  Element Child(std::string_view name) const;  ///< the first of that name, or none
  Element Require(std::string_view name) const;
  Element Parent() const { return {document_, node_.parent()}; }

  bool Has(const char* attribute) const { return static_cast<bool>(node_.attribute(attribute)); }
  std::string Text(const char* attribute, const char* otherwise = "") const {
    return node_.attribute(attribute).as_string(otherwise);
  }
  std::string RequireText(const char* attribute) const;
  double Number(const char* attribute) const;
  double Number(const char* attribute, double otherwise) const {
    return Has(attribute) ? Number(attribute) : otherwise;
  }
  int Integer(const char* attribute, int otherwise) const;
  bool Flag(const char* attribute, bool otherwise) const;
  /// The value that belongs to the attribute's word; the first one where it is absent.
  template <class T>
  T Choice(const char* attribute,
           std::initializer_list<std::pair<std::string_view, T>> choices) const {
    if (!Has(attribute)) return choices.begin()->second;
    const std::string word = Text(attribute);
    std::vector<std::string> words;
    for (const auto& [name, value] : choices) {
      if (name == word) return value;
      words.emplace_back(name);
    }
    FailChoice(attribute, word, words);
  }
  /// The numbers of an <Array>, or words in quotes or without, as the standard has them.
  std::vector<std::string> ArrayWords() const;
  std::vector<double> ArrayNumbers() const;

  /// Throws: what is wrong, with the element and its line.
  [[noreturn]] void Fail(const std::string& message, std::string hint = {}) const;
  [[noreturn]] void FailUnsupported(const std::string& what, const std::string& supported) const;

 private:
  [[noreturn]] void FailChoice(const char* attribute, const std::string& word,
                               const std::vector<std::string>& words) const;

  const Document* document_ = nullptr;
  pugi::xml_node node_;
};

/// The bytes of a PMML document as a tree. Entities of a DTD are not expanded, and nothing outside
/// the bytes is read.
class Document {
 public:
  /// Throws where the bytes are no PMML, or nest too deeply. `where` names them in errors.
  Document(std::string_view bytes, std::string where);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  Element root() const { return {this, root_}; }
  Position PositionOf(std::ptrdiff_t offset) const;
  const std::string& where() const { return where_; }

 private:
  void CheckDepth(pugi::xml_node root) const;

  std::string where_;
  std::vector<std::ptrdiff_t> line_starts_;
  pugi::xml_document document_;
  pugi::xml_node root_;
};

/// All of `text` as a number; not "", " 1x". Takes what XML Schema's double does (INF, NaN).
bool ParseNumber(std::string_view text, double* out);

}  // namespace millrace::pmml
