#include "session/secrets.h"

#include <cctype>
#include <cstdlib>

namespace millrace {
namespace {

std::string VariableOf(std::string_view name) {
  std::string variable = "MILLRACE_SECRET_";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    variable += std::isalnum(byte) ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return variable;
}

class Secrets final : public SecretProvider {
 public:
  Secrets(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  Result<std::string> Get(std::string_view name) const override {
    const std::string variable = VariableOf(name);
    if (const char* value = std::getenv(variable.c_str())) return std::string(value);
    // A name is never a path: it could reach files that are no secrets of ours.
    const bool is_file_name = !name.empty() && name.front() != '.' && name.find('/') == name.npos;
    if (!directory_.empty() && is_file_name) {
      const std::string path = directory_ + '/' + std::string(name);
      if (files_.Stat(path).ok()) {
        ARROW_ASSIGN_OR_RAISE(std::string value, ReadFile(files_, path));
        while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();
        return value;
      }
    }
    std::string hint = "set the environment variable " + variable;
    hint += directory_.empty() ? ", or MILLRACE_SECRETS to a folder with a file of that name"
                               : " or write the file " + directory_ + '/' + std::string(name);
    return Error::User("no secret '" + std::string(name) + "'").Hint(std::move(hint));
  }

 private:
  FileSystem& files_;
  std::string directory_;
};

}  // namespace

std::unique_ptr<SecretProvider> MakeSecretProvider(FileSystem& files, std::string directory) {
  return std::make_unique<Secrets>(files, std::move(directory));
}

}  // namespace millrace
