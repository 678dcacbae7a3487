#pragma once

#include "spi/format.h"

namespace millrace {

/// The format 'raw': a record is one value, without anything around it.
FormatSpec RawFormat();

}  // namespace millrace
