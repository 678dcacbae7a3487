#include "models/pmml/scope.h"

#include <utility>

#include "base/suggest.h"
#include "models/pmml/expression.h"

namespace millrace::pmml {
namespace {

constexpr size_t kLongestChain = 500;  // of derived fields; the compiler recurses

}  // namespace

Slot Compiler::NewResult() {
  if (free_.empty()) return NewSlot();
  const Slot slot = free_.back();
  free_.pop_back();
  return slot;
}

void Compiler::Release(const std::vector<Slot>& results) {
  free_.insert(free_.end(), results.begin(), results.end());
}

void Compiler::Spend(const Element& element, size_t cost) {
  constexpr size_t kMost = 1u << 22;
  if (cost > kMost || (spent_ += cost) > kMost)
    element.Fail("makes the model too large to be compiled");
}

void Scope::AddLazy(Field field, std::function<Slot(Scope&)> make) {
  std::string name = field.name;
  lazy_.insert_or_assign(std::move(name), std::pair(std::move(field), std::move(make)));
}

void Scope::AddDerived(const Element& transformations) {
  if (!transformations) return;
  for (const Element& field : transformations.Children("DerivedField"))
    derived_.emplace(field.RequireText("name"), field);
}

const Field* Scope::FindOwn(const std::string& name) {
  if (const auto at = fields_.find(name); at != fields_.end()) return &at->second;
  if (const auto at = lazy_.find(name); at != lazy_.end()) {
    Field field = at->second.first;
    field.slot = at->second.second(*this);
    return &(fields_[name] = std::move(field));
  }
  const auto at = derived_.find(name);
  if (at == derived_.end()) return nullptr;
  const Element element = at->second;
  if (!under_way_.insert(name).second) element.Fail("is derived from itself");
  if (under_way_.size() > kLongestChain) element.Fail("is derived in too many steps");
  auto expression = CompileDerived(element, *this);
  under_way_.erase(name);
  Field field{name, expression->type(), OpTypeOf(element, expression->type()), kNoSlot};
  field.slot = compiler_.NewSlot();
  steps_.push_back(std::make_unique<ComputeStep>(field.slot, std::move(expression)));
  return &(fields_[name] = std::move(field));
}

const Field* Scope::Find(const std::string& name) {
  if (under_way_.contains(name)) {
    // A field of a model may be derived from the one of its name outside.
    if (parent_ != nullptr) return parent_->Find(name);
  }
  if (const Field* own = FindOwn(name)) return own;
  return parent_ == nullptr ? nullptr : parent_->Find(name);
}

void Scope::Names(std::vector<std::string>* names) const {
  for (const auto& [name, field] : fields_) names->push_back(name);
  for (const auto& [name, element] : derived_) names->push_back(name);
  if (parent_ != nullptr) parent_->Names(names);
}

const Field& Scope::Require(const Element& element, const char* attribute) {
  const Field& field = RequireDeclared(element, attribute);
  if (field.slot == kNoSlot)
    element.Fail("names the field '" + field.name + "', which is no active field of the model",
                 "list it in the <MiningSchema>");
  return field;
}

const Field& Scope::RequireDeclared(const Element& element, const char* attribute) {
  const std::string name = element.RequireText(attribute);
  if (const Field* field = Find(name)) return *field;
  std::vector<std::string> names;
  Names(&names);
  element.Fail("names the field '" + name + "', which is not known here", Suggest(name, names));
}

}  // namespace millrace::pmml
