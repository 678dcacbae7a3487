#pragma once

#include "spi/services.h"

namespace millrace {

/// Adds all formats of this folder. A new format is a file and a line there.
void RegisterFormats(Registry<FormatSpec>& formats);

}  // namespace millrace
