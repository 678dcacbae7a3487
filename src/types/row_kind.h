#pragma once

#include <array>
#include <string_view>

#include <millrace/row_kind.h>

namespace millrace {

/// What people read and write of a `RowKind`, by its number.
constexpr std::array<std::string_view, 4> kRowKindSigns = {"+I", "-U", "+U", "-D"};

}  // namespace millrace
