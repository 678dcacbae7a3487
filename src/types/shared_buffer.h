#pragma once

#include <memory>
#include <utility>

#include <arrow/buffer.h>

namespace millrace {

/// Bytes that whoever keeps values may keep as they are, instead of copying them: nobody changes
/// them, and they stay as long as the buffer.
class SharedBuffer final : public arrow::Buffer {
 public:
  explicit SharedBuffer(std::shared_ptr<arrow::Buffer> bytes)
      : arrow::Buffer(bytes->data(), bytes->size()), bytes_(std::move(bytes)) {}

 private:
  const std::shared_ptr<arrow::Buffer> bytes_;
};

}  // namespace millrace
