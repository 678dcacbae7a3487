#pragma once

#include <memory>

#include "models/pmml/scope.h"

namespace millrace::pmml {

/// Computes a column from columns. Immutable; thread-safe.
class Expression {
 public:
  explicit Expression(DataType type) : type_(type) {}
  virtual ~Expression() = default;
  /// Fills `out` for the rows of the block; `out` is none of the columns that it reads.
  virtual void Evaluate(Frame& frame, double* out) const = 0;
  DataType type() const { return type_; }

 private:
  DataType type_;
};

/// Fills a column with an expression's values.
class ComputeStep final : public Step {
 public:
  ComputeStep(Slot slot, std::unique_ptr<Expression> expression)
      : slot_(slot), expression_(std::move(expression)) {}
  void Run(Frame& frame, Active) const override {
    expression_->Evaluate(frame, frame.Write(slot_));
  }

 private:
  Slot slot_;
  std::unique_ptr<Expression> expression_;
};

/// The first child of `element` that is an expression, or none.
Element ExpressionOf(const Element& element);

std::unique_ptr<Expression> CompileExpression(const Element& expression, Scope& scope);

/// Of a <DerivedField> or <OutputField>: its expression as a value of its `dataType`.
std::unique_ptr<Expression> CompileDerived(const Element& field, Scope& scope);

/// The same as a value of another type; `expression` itself where it is of that type.
std::unique_ptr<Expression> ConvertTo(DataType type, std::unique_ptr<Expression> expression);

}  // namespace millrace::pmml
