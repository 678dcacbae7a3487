#include "models/pmml/program.h"

#include <algorithm>
#include <cmath>

#include "models/pmml/field_treatment.h"

namespace millrace::pmml {
namespace {

constexpr int kMostSlots = 1 << 17;  // 256 MB of columns in a frame

}  // namespace

Program::Program(const Document& document) {
  const Element root = document.root();
  if (const Element dictionary = root.Child("TransformationDictionary")) {
    for (const Element& function : dictionary.Children("DefineFunction"))
      compiler_.functions.emplace(function.RequireText("name"), function);
  }
  Scope fields(compiler_, nullptr);
  for (const Element& field : root.Require("DataDictionary").Children("DataField"))
    DeclareDataField(field, fields);
  for (const Element& child : root.Children()) {
    if (IsModel(child)) {
      model_ = std::make_unique<CompiledModel>(child, fields, true);
      break;
    }
  }
  if (model_ == nullptr) root.Fail("has no model of a kind that is known");
  if (compiler_.slots > kMostSlots) root.Fail("makes the model too large to be compiled");
  inputs_ = model_->inputs();
  const ModelResult& result = model_->result();
  Field prediction;
  prediction.name = model_->target().empty() ? "prediction" : model_->target();
  prediction.type = result.type;
  prediction.slot = result.value;
  prediction.items = result.items;
  for (const Category& category : result.categories) prediction.values.push_back(category.value);
  outputs_.push_back(std::move(prediction));
  for (size_t i = 0; i < model_->outputs().size(); ++i) {
    const Field& field = model_->outputs()[i];
    if (!model_->final_outputs()[i]) continue;
    // A field of the target's name stands for it.
    if (field.name == outputs_[0].name)
      outputs_[0] = field;
    else
      outputs_.push_back(field);
  }
  for (auto* list : {&inputs_, &outputs_}) {
    for (Field& field : *list) field.declaration = {};
  }
  compiler_.functions.clear();
}

Result<std::shared_ptr<const Program>> Program::Compile(std::string_view bytes, std::string where) {
  try {
    const Document document(bytes, std::move(where));
    return std::shared_ptr<const Program>(new Program(document));
  } catch (Fault& fault) {
    return std::move(fault.status);
  }
}

std::unique_ptr<Frame> Program::TakeFrame() const {
  {
    std::lock_guard lock(mutex_);
    if (!frames_.empty()) {
      auto frame = std::move(frames_.back());
      frames_.pop_back();
      return frame;
    }
  }
  return std::make_unique<Frame>(compiler_.slots, compiler_.pool);
}

void Program::GiveBack(std::unique_ptr<Frame> frame) const {
  frame->Forget();
  std::lock_guard lock(mutex_);
  frames_.push_back(std::move(frame));
}

}  // namespace millrace::pmml
