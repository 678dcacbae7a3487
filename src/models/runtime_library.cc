#include "models/runtime_library.h"

#include <dlfcn.h>

#include <cstdlib>

namespace millrace {

std::string RuntimeLibrary::PathOf(const RuntimeLibraryInfo& info, const std::string& path) {
  if (!path.empty()) return path;
  const char* named = std::getenv(info.variable.c_str());
  return named != nullptr ? named : info.fallback;
}

Result<RuntimeLibrary> RuntimeLibrary::Open(const RuntimeLibraryInfo& info,
                                            const std::string& path) {
  RuntimeLibrary library;
  library.info_ = info;
  library.path_ = PathOf(info, path);
  library.handle_ = dlopen(library.path_.c_str(), RTLD_NOW | RTLD_LOCAL | info.flags);
  if (library.handle_ == nullptr) {
    return Error::User(info.name + " cannot be opened: " + dlerror())
        .Hint("install it (pip install " + info.package +
              ") and name the library in the option 'library' or in " + info.variable);
  }
  return library;
}

Result<void*> RuntimeLibrary::Find(const char* symbol) const {
  void* address = dlsym(handle_, symbol);
  if (address != nullptr) return address;
  return Error::User("'" + path_ + "' is not " + info_.name + ": it has no " + symbol)
      .Hint("name another library in the option 'library' or in " + info_.variable);
}

}  // namespace millrace
