#pragma once

#include "plan/expression.h"
#include "spi/services.h"
#include "syntax/ast.h"

namespace millrace::sql {

/// A literal with Flink's type: 1 INT, 1.50 DECIMAL(3, 2), 1e3 DOUBLE, 'ab' CHAR(2); malformed
/// dates and times are errors here.
Result<ExpressionPtr> BindLiteral(const syntax::Literal& literal, Position position,
                                  const Registries& registries);

/// `-literal` as one literal; null where the operand is none.
ExpressionPtr NegateLiteral(const ExpressionPtr& operand, Position position);

/// A number written in the script as another numeric type, where that is exact or the type is
/// approximate; null where it is not so simple.
ExpressionPtr ConvertNumber(const Expression& literal, const SqlType& type);

}  // namespace millrace::sql
