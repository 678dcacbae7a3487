#pragma once

#include <optional>
#include <span>
#include <string>

#include "types/sql_type.h"

namespace millrace {

/// Flink's type inference (LogicalTypeMerging, LogicalTypeCasts of Flink 2). Pure functions.

/// The least restrictive type that all of `types` fit; nullable where one is. None where there is
/// none, or where all are NULL.
std::optional<SqlType> CommonType(std::span<const SqlType> types);

/// Whether the planner may insert the cast by itself: widening, NULL to anything, CHAR to VARCHAR …
bool CanImplicitlyCast(const SqlType& from, const SqlType& to);

/// Whether CAST exists for the pair at all.
bool CanCast(const SqlType& from, const SqlType& to);

/// Result types of `+` and `-`, `*`, `/` and `%` over decimals; nullable.
SqlType DecimalSumType(const SqlType& a, const SqlType& b);
SqlType DecimalProductType(const SqlType& a, const SqlType& b);
SqlType DecimalQuotientType(const SqlType& a, const SqlType& b);
SqlType DecimalRemainderType(const SqlType& a, const SqlType& b);
/// ROUND and TRUNCATE to `digits` after the point.
SqlType DecimalRoundType(const SqlType& type, int digits);

/// An integer or decimal as DECIMAL: INT is DECIMAL(10, 0).
SqlType AsDecimal(const SqlType& exact);

/// Result types of SUM and AVG.
SqlType SumType(const SqlType& type);
SqlType AvgType(const SqlType& type);

}  // namespace millrace
