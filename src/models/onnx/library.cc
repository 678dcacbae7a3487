#include "models/onnx/library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include <onnxruntime_path.h>

namespace millrace {
namespace {

constexpr char kVariable[] = "MILLRACE_ONNXRUNTIME";

std::string DefaultPath() {
  if (const char* path = std::getenv(kVariable)) return path;
  return kOnnxRuntimeLibrary[0] != '\0' ? kOnnxRuntimeLibrary : "libonnxruntime.so.1";
}

}  // namespace

std::string OnnxLibrary::TextOf(OrtStatus* status) const {
  std::string text = api_->GetErrorMessage(status);
  api_->ReleaseStatus(status);
  return text;
}

Result<const OnnxLibrary*> OnnxLibrary::Open(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Error::User(std::string("ONNX Runtime cannot be opened: ") + dlerror())
        .Hint(std::string("install it (pip install onnxruntime) and name the library in the option "
                          "'library' or in ") +
              kVariable);
  }
  using GetApiBase = const OrtApiBase* (*)();
  const auto get_base = reinterpret_cast<GetApiBase>(dlsym(handle, "OrtGetApiBase"));
  if (get_base == nullptr) {
    dlclose(handle);
    return Error::User("'" + path + "' is not ONNX Runtime: it has no OrtGetApiBase")
        .Hint(std::string("name libonnxruntime.so in the option 'library' or in ") + kVariable);
  }
  const OrtApi* api = get_base()->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    const std::string version = get_base()->GetVersionString();
    dlclose(handle);
    return Error::User("ONNX Runtime " + version + " in '" + path + "' is too old")
        .Hint("version 1." + std::to_string(ORT_API_VERSION) + " or newer is needed");
  }
  // Lives as long as the process: its threads must not be stopped while statics are destroyed.
  auto* library = new OnnxLibrary;
  library->api_ = api;
  // What fails comes back as a status; the log would say it twice.
  if (OrtStatus* status = api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "millrace", &library->env_)) {
    return Error::Internal("ONNX Runtime does not start: " + library->TextOf(status)).In(path);
  }
  return library;
}

Result<const OnnxLibrary*> OnnxLibrary::Get(const std::string& path) {
  static std::mutex mutex;
  static auto& opened = *new std::map<std::string, const OnnxLibrary*>;
  const std::string wanted = path.empty() ? DefaultPath() : path;
  std::lock_guard lock(mutex);
  if (const auto at = opened.find(wanted); at != opened.end()) return at->second;
  ARROW_ASSIGN_OR_RAISE(const OnnxLibrary* library, Open(wanted));
  opened[wanted] = library;
  return library;
}

}  // namespace millrace
