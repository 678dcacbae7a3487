#pragma once

#include <string>
#include <vector>

#include "sql/context.h"

namespace millrace::sql {

/// `value` as `type`: itself where no conversion is needed, else a CAST. The caller has checked
/// that it may be.
ExpressionPtr CastTo(const ExpressionPtr& value, const SqlType& type);

/// `value` converted to `type` where Flink does so by itself; else a user error that says `what`
/// gives one type and needs another, with the CAST to write.
Result<ExpressionPtr> CoerceTo(const ExpressionPtr& value, const SqlType& type,
                               const std::string& what);

/// The model's input row from a call's arguments: by position, or by name.
Result<std::vector<ExpressionPtr>> CoerceModelArguments(const Model& model,
                                                        std::vector<ExpressionPtr> arguments,
                                                        Position position);

}  // namespace millrace::sql
