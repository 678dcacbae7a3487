#pragma once

#include "base/error.h"
#include "spi/function.h"
#include "types/sql_type.h"

namespace millrace {

/// The kernel of CAST or TRY_CAST as Flink does it. A value that does not fit is a row error, or
/// NULL with `try_cast`; a DECIMAL that overflows is NULL in both. A user error where the pair
/// cannot be cast.
Result<ScalarKernel> MakeCast(const SqlType& from, const SqlType& to, bool try_cast);

/// Whether CAST of the pair can add row errors.
bool CastCanFail(const SqlType& from, const SqlType& to);

}  // namespace millrace
