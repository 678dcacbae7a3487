#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "models/pmml/model.h"

namespace millrace::pmml {

/// A compiled document: its outermost model over columns of doubles. Immutable; thread-safe.
class Program {
 public:
  /// `where` names the document in errors, which have the line and the element.
  static Result<std::shared_ptr<const Program>> Compile(std::string_view bytes, std::string where);

  const std::vector<Field>& inputs() const { return inputs_; }
  /// The prediction, under the target's name or as "prediction", then what <Output> names.
  const std::vector<Field>& outputs() const { return outputs_; }
  const StringPool& strings() const { return compiler_.pool; }

  /// A frame of this program, one thread's until it is given back.
  std::unique_ptr<Frame> TakeFrame() const;
  void GiveBack(std::unique_ptr<Frame> frame) const;

  /// Fills the outputs' columns for a block whose inputs' columns are filled.
  void Run(Frame& frame) const { model_->Run(frame, nullptr); }

 private:
  explicit Program(const Document& document);

  Compiler compiler_;
  std::unique_ptr<CompiledModel> model_;
  std::vector<Field> inputs_, outputs_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Frame>> frames_;
};

}  // namespace millrace::pmml
