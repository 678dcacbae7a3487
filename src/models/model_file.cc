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

Status CheckModelSize(int64_t bytes, int64_t most_bytes) {
  if (bytes <= most_bytes) return Status::OK();
  return Error::User("the model has " + std::to_string(bytes) + " bytes, and " +
                     std::to_string(most_bytes) + " are allowed")
      .Hint("raise the model's 'max-model-size'");
}

}  // namespace millrace
