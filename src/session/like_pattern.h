#pragma once

#include <string_view>

namespace millrace {

/// SQL's LIKE over a name: '%' any characters, '_' one, '\' before one of them takes it as it is.
bool LikeMatches(std::string_view text, std::string_view pattern, bool ignore_case);

}  // namespace millrace
