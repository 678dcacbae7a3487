#include "models/tensorflow/library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "models/runtime_library.h"

namespace millrace {
namespace {

// Its protobuf and absl must not meet those of others. AddressSanitizer cannot have it so.
#ifdef __SANITIZE_ADDRESS__
constexpr int kFlags = 0;
#else
constexpr int kFlags = RTLD_DEEPBIND;
#endif

RuntimeLibraryInfo TensorFlowInfo() {
  return {.name = "TensorFlow",
          .variable = "MILLRACE_TENSORFLOW",
          .fallback = "libtensorflow_cc.so.2",
          .package = "tensorflow-cpu",
          .flags = kFlags};
}

Result<const TensorFlowLibrary*> Open(const std::string& path) {
  // What fails comes back as a status; the log would say it twice. A value that is set stays.
  setenv("TF_CPP_MIN_LOG_LEVEL", "3", 0);
  ARROW_ASSIGN_OR_RAISE(const auto opened, RuntimeLibrary::Open(TensorFlowInfo(), path));
  auto library = std::make_unique<TensorFlowLibrary>();
#define MILLRACE_FIND(name, ...) ARROW_RETURN_NOT_OK(opened.Find("TF_" #name, &library->name));
  MILLRACE_TENSORFLOW_FUNCTIONS(MILLRACE_FIND)
#undef MILLRACE_FIND
  return library.release();
}

}  // namespace

Result<const TensorFlowLibrary*> TensorFlowLibrary::Get(const std::string& path) {
  static std::mutex mutex;
  static auto& opened = *new std::map<std::string, const TensorFlowLibrary*>;
  const std::string wanted = RuntimeLibrary::PathOf(TensorFlowInfo(), path);
  std::lock_guard lock(mutex);
  if (const auto at = opened.find(wanted); at != opened.end()) return at->second;
  ARROW_ASSIGN_OR_RAISE(const TensorFlowLibrary* library, Open(wanted));
  opened[wanted] = library;
  return library;
}

}  // namespace millrace
