#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/files.h"

namespace millrace {

/// A view that moves forward over a file; keeps what has been read and not been consumed.
class FileWindow {
 public:
  FileWindow(std::unique_ptr<InputFile> file, int64_t begin, int64_t end)
      : file_(std::move(file)), offset_(begin), end_(end) {}

  /// What has been read and not been consumed; empty at first.
  std::string_view view() const { return std::string_view(buffer_).substr(consumed_); }
  /// Whether the view reaches the end.
  bool at_end() const { return offset_ + static_cast<int64_t>(view().size()) >= end_; }
  /// Adds `bytes` more to the view, fewer only at the end.
  Status Fill(int64_t bytes);
  void Consume(int64_t bytes) {
    consumed_ += static_cast<size_t>(bytes);
    offset_ += bytes;
  }
  int64_t offset() const { return offset_; }

 private:
  std::unique_ptr<InputFile> file_;
  std::string buffer_;
  size_t consumed_ = 0;
  int64_t offset_;  ///< in the file, of the next byte
  int64_t end_;
};

/// The offset after the first line break at or after `from`; `end` where there is none.
Result<int64_t> NextLine(InputFile& file, int64_t from, int64_t end);
/// Line breaks in [0, end).
Result<int64_t> CountLines(InputFile& file, int64_t end);

}  // namespace millrace
