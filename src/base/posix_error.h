#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace {

/// "cannot <action> '<path>': <what the system says>", classed (a full disk or a busy file is
/// transient, a missing file or permission is the user's) and with what to do about it.
Status PosixError(int system_error, std::string_view action, const std::string& path);

}  // namespace millrace
