#include "base/files.h"

namespace millrace {

Result<std::string> ReadFile(FileSystem& files, const std::string& path) {
  constexpr size_t kChunk = 64 * 1024;
  ARROW_ASSIGN_OR_RAISE(const auto file, files.OpenInput(path));
  std::string text;
  for (size_t got = kChunk; got == kChunk;) {
    const size_t at = text.size();
    text.resize(at + kChunk);
    ARROW_ASSIGN_OR_RAISE(
        got, file->ReadAt(static_cast<int64_t>(at), std::span<char>(text.data() + at, kChunk)));
    text.resize(at + got);
  }
  return text;
}

}  // namespace millrace
