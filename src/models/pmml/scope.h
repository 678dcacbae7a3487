#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "models/pmml/frame.h"

namespace millrace::pmml {

/// One of the values that a row may have of a field of many.
struct Item {
  Slot value;
  Slot present;  ///< 1 where the row has it; it may be missing even so
};

struct Field {
  std::string name;
  DataType type = DataType::kDouble;
  OpType op = OpType::kContinuous;
  Slot slot = kNoSlot;
  std::vector<double> values = {};  ///< the valid ones that the data dictionary lists, in its order
  std::vector<Item> items = {};     ///< of a field of many values, which has no slot
  Element declaration = {};         ///< the <DataField>; while the document is compiled
};

/// What a document's compilation shares: text, columns and functions.
class Compiler {
 public:
  StringPool pool;
  std::map<std::string, Element> functions;  ///< by name: <DefineFunction>
  int slots = 1;
  int depth = 0;  ///< of the expressions that are being compiled, one inside the other

  Slot NewSlot() { return slots++; }
  /// A column that another model has used and that is free again, or a new one.
  Slot NewResult();
  void Release(const std::vector<Slot>& results);
  /// Counts what is compiled; throws where a small document asks for too much.
  void Spend(const Element& element, size_t cost = 1);

 private:
  std::vector<Slot> free_;
  size_t spent_ = 0;
};

/// The fields that expressions and predicates of a part of the document see. A derived field is
/// compiled when it is first asked for, so that only what is used is computed.
class Scope {
 public:
  Scope(Compiler& compiler, Scope* parent) : compiler_(compiler), parent_(parent) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  Compiler& compiler() { return compiler_; }
  void Add(Field field) { fields_[field.name] = std::move(field); }
  /// A field whose column `make` adds when it is first asked for.
  void AddLazy(Field field, std::function<Slot(Scope&)> make);
  void AddDerived(const Element& transformations);
  void AddStep(std::unique_ptr<Step> step) { steps_.push_back(std::move(step)); }

  const Field* Find(const std::string& name);
  /// The field that the attribute names; throws where there is none, or where it has no values.
  const Field& Require(const Element& element, const char* attribute = "field");
  /// The same; its `slot` may be none: a field of the data dictionary that is no input.
  const Field& RequireDeclared(const Element& element, const char* attribute = "field");
  /// What computes the fields of this scope, in order.
  Steps TakeSteps() { return std::move(steps_); }

 private:
  const Field* FindOwn(const std::string& name);
  void Names(std::vector<std::string>* names) const;

  Compiler& compiler_;
  Scope* const parent_;
  std::map<std::string, Field> fields_;
  std::map<std::string, std::pair<Field, std::function<Slot(Scope&)>>> lazy_;
  std::map<std::string, Element> derived_;
  std::set<std::string> under_way_;
  Steps steps_;
};

}  // namespace millrace::pmml
