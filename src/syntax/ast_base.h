#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

/// The syntax tree of a script: plain values, produced by the parser (parser.h), written by the
/// printer (printer.h).
///
/// A node is a struct; where several kinds may stand (an expression, a query's body, a relation, a
/// statement) the node holds a `std::variant` of them. A class hierarchy would need a visitor
/// interface, a copy and a comparison written by hand per class; with variants `std::visit` makes
/// the compiler check that a binder handles every kind, `As<T>()` asks for one, and copying and
/// `==` come for free.
///
/// Trees are immutable and shared through `Ptr`. `==` compares what was written, not where:
/// positions never count. The parser bounds the height of every tree, so recursive walks are safe.
namespace millrace::syntax {

/// The height that the parser allows: no recursion over a tree is deeper. A step of nesting (an
/// argument, a subquery, a right operand) counts as 10, a link of a chain such as a + b + c as 1.
inline constexpr int kMaxHeight = 1000;

/// A position that `==` ignores, so that nodes can default their comparison.
struct Place : Position {
  Place() = default;
  Place(const Position& position) : Position(position) {}
  bool operator==(const Place&) const { return true; }
};

/// A shared, immutable part of a tree; may be null. `==` compares the parts, not the pointers.
template <class T>
class Ptr {
 public:
  Ptr() = default;
  Ptr(std::nullptr_t) {}
  Ptr(std::shared_ptr<const T> node) : node_(std::move(node)) {}

  const T* get() const { return node_.get(); }
  const T& operator*() const { return *node_; }
  const T* operator->() const { return node_.get(); }
  explicit operator bool() const { return node_ != nullptr; }

  friend bool operator==(const Ptr& a, const Ptr& b) {
    return a.node_ == b.node_ || (a.node_ && b.node_ && *a.node_ == *b.node_);
  }
  friend bool operator==(const Ptr& a, std::nullptr_t) { return a.node_ == nullptr; }

 private:
  std::shared_ptr<const T> node_;
};

template <class T>
Ptr<T> MakePtr(T node) {
  return Ptr<T>(std::make_shared<const T>(std::move(node)));
}

struct Expression;
struct Query;
struct Relation;
struct Statement;
using ExpressionPtr = Ptr<Expression>;
using QueryPtr = Ptr<Query>;
using RelationPtr = Ptr<Relation>;
using StatementPtr = Ptr<Statement>;

/// A name as meant: without backquotes, case kept. Column, table and model names are
/// case-sensitive, functions not.
struct Identifier {
  std::string name;
  Place position = {};

  bool operator==(const Identifier&) const = default;
};

/// `[catalog.][database.]name`, or a path to a column. Never empty in a parsed tree.
struct QualifiedName {
  std::vector<Identifier> parts;

  Position position() const {
    return parts.empty() ? Position() : Position(parts.front().position);
  }
  std::string ToString() const;  ///< "a.b", backquoted where needed; for messages and for SQL

  bool operator==(const QualifiedName&) const = default;
};

/// One option: `'key' = 'value'`, or `'key' = MAP['k', 'v', …]`.
struct Property {
  std::string key;
  std::string value = {};              ///< unless `is_map`
  std::vector<Property> entries = {};  ///< of the MAP, in order; each a plain value
  bool is_map = false;
  Place position = {};        ///< of the key
  Place value_position = {};  ///< of the value

  bool operator==(const Property&) const = default;
};

/// One `NAME(…)` of a hint comment, such as `/*+ OPTIONS('k' = 'v'), STATE_ID('x'), BROADCAST(t)
/// */`.
struct Hint {
  Identifier name;
  std::vector<Property> options;       ///< 'k' = 'v'
  std::vector<std::string> arguments;  ///< names, strings and numbers, as text

  bool operator==(const Hint&) const = default;
};

}  // namespace millrace::syntax
