#include "models/model_file.h"

#include <utility>

namespace millrace {

Result<std::string> ReadModelFile(FileSystem& files, const std::string& path, std::string hint) {
  auto bytes = ReadFile(files, path);
  if (bytes.ok()) return bytes;
  const bool fault = InfoOf(bytes.status()).error_class == ErrorClass::kTransient;
  std::string message = "the model file cannot be read: " + bytes.status().message();
  auto error = fault ? Error::Transient(std::move(message)) : Error::User(std::move(message));
  return std::move(error).In(path).Hint(std::move(hint));
}

}  // namespace millrace
