#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace {

/// The pieces, one after the other, as one gzip stream.
Result<std::string> GzipCompress(std::span<const std::string_view> pieces);
/// A data error where the bytes are no whole gzip stream, or hold more than `max_bytes`.
Result<std::string> GzipDecompress(std::string_view bytes, size_t max_bytes);

}  // namespace millrace
