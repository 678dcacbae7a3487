#include "connectors/file_window.h"

#include <algorithm>
#include <span>

namespace millrace {
namespace {

constexpr int64_t kBlock = 1 << 20;

/// Calls `use` with blocks of [from, end) until it answers false.
template <class Use>
Status ForEachBlock(InputFile& file, int64_t from, int64_t end, int64_t block, Use&& use) {
  std::string buffer;
  while (from < end) {
    buffer.resize(static_cast<size_t>(std::min(block, end - from)));
    ARROW_ASSIGN_OR_RAISE(const size_t read, file.ReadAt(from, buffer));
    if (read == 0 || !use(std::string_view(buffer).substr(0, read), from)) break;
    from += static_cast<int64_t>(read);
  }
  return Status::OK();
}

}  // namespace

Status FileWindow::Fill(int64_t bytes) {
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  const size_t have = buffer_.size();
  const int64_t from = offset_ + static_cast<int64_t>(have);
  const auto wanted = static_cast<size_t>(std::min(bytes, end_ - from));
  buffer_.resize(have + wanted);
  ARROW_ASSIGN_OR_RAISE(const size_t read,
                        file_->ReadAt(from, std::span<char>(buffer_).subspan(have)));
  buffer_.resize(have + read);
  // The file has become shorter since it was found: what is left is all there is.
  if (read < wanted) end_ = from + static_cast<int64_t>(read);
  return Status::OK();
}

Result<int64_t> NextLine(InputFile& file, int64_t from, int64_t end) {
  int64_t next = end;
  ARROW_RETURN_NOT_OK(ForEachBlock(file, from, end, 4096, [&](std::string_view text, int64_t at) {
    const size_t found = text.find('\n');
    if (found == std::string_view::npos) return true;
    next = at + static_cast<int64_t>(found) + 1;
    return false;
  }));
  return next;
}

Result<int64_t> CountLines(InputFile& file, int64_t end) {
  int64_t lines = 0;
  ARROW_RETURN_NOT_OK(ForEachBlock(file, 0, end, kBlock, [&](std::string_view text, int64_t) {
    lines += std::count(text.begin(), text.end(), '\n');
    return true;
  }));
  return lines;
}

}  // namespace millrace
