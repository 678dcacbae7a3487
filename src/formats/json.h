#pragma once

#include "spi/format.h"

namespace millrace {

/// The format 'json': one JSON object a line, with Flink's options.
FormatSpec JsonFormat();

Result<std::unique_ptr<Decoder>> MakeJsonDecoder(const DecodeRequest& request,
                                                 const Options& options);
Result<std::unique_ptr<Encoder>> MakeJsonEncoder(const Schema& schema, const Options& options);

}  // namespace millrace
