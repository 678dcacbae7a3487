#pragma once

#include "spi/format.h"

namespace millrace {

/// The format 'protobuf': messages of a type that a .proto file describes, read when a job starts.
FormatSpec ProtobufFormat();

Result<std::unique_ptr<Decoder>> MakeProtobufDecoder(const DecodeRequest& request,
                                                     const Options& options);
Result<std::unique_ptr<Encoder>> MakeProtobufEncoder(const Schema& schema, const Options& options);

}  // namespace millrace
