#include "models/onnx/library.h"

#include <map>
#include <mutex>

#include <onnxruntime_path.h>

#include "models/runtime_library.h"

namespace millrace {
namespace {

RuntimeLibraryInfo OnnxRuntimeInfo() {
  return {.name = "ONNX Runtime",
          .variable = "MILLRACE_ONNXRUNTIME",
          .fallback = kOnnxRuntimeLibrary[0] != '\0' ? kOnnxRuntimeLibrary : "libonnxruntime.so.1",
          .package = "onnxruntime"};
}

}  // namespace

std::string OnnxLibrary::TextOf(OrtStatus* status) const {
  std::string text = api_->GetErrorMessage(status);
  api_->ReleaseStatus(status);
  return text;
}

Result<const OnnxLibrary*> OnnxLibrary::Open(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto opened, RuntimeLibrary::Open(OnnxRuntimeInfo(), path));
  const OrtApiBase* (*get_base)() = nullptr;
  ARROW_RETURN_NOT_OK(opened.Find("OrtGetApiBase", &get_base));
  const OrtApi* api = get_base()->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    return Error::User("ONNX Runtime " + std::string(get_base()->GetVersionString()) + " in '" +
                       path + "' is too old")
        .Hint("version 1." + std::to_string(ORT_API_VERSION) + " or newer is needed");
  }
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
  const std::string wanted = RuntimeLibrary::PathOf(OnnxRuntimeInfo(), path);
  std::lock_guard lock(mutex);
  if (const auto at = opened.find(wanted); at != opened.end()) return at->second;
  ARROW_ASSIGN_OR_RAISE(const OnnxLibrary* library, Open(wanted));
  opened[wanted] = library;
  return library;
}

}  // namespace millrace
