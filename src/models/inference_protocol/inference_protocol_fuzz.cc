#include <cstdlib>
#include <cstring>

#include <arrow/buffer.h>

#include "models/inference_protocol/message.h"
#include "models/inference_protocol/metadata.h"

namespace millrace {
namespace {

std::shared_ptr<arrow::Buffer> Join(const EncodedMessage& message) {
  std::string text;
  for (const auto& piece : message.pieces) text += piece->ToString();
  return arrow::Buffer::FromString(std::move(text));
}

/// What was read is written and read again: the same bytes must come out.
void CheckRequest(const std::shared_ptr<arrow::Buffer>& body, size_t header_bytes) {
  const auto request = DecodeInferRequest(body, header_bytes);
  if (!request.ok()) return;
  const EncodedMessage once = EncodeInferRequest(*request).ValueOrDie();
  const auto again = DecodeInferRequest(Join(once), once.header_bytes);
  if (!again.ok() || !Join(EncodeInferRequest(*again).ValueOrDie())->Equals(*Join(once)))
    __builtin_trap();
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  uint16_t header_bytes;
  std::memcpy(&header_bytes, data, 2);
  const auto body =
      arrow::Buffer::FromString(std::string(reinterpret_cast<const char*>(data) + 2, size - 2));
  millrace::CheckRequest(body, header_bytes);
  (void)millrace::DecodeInferResponse(body, header_bytes);
  const std::string_view text(reinterpret_cast<const char*>(body->data()),
                              static_cast<size_t>(body->size()));
  (void)millrace::DecodeMetadata(text);
  (void)millrace::DecodeConfig(text);
  return 0;
}
