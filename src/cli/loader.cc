// The executable: opens the engine's library beside it and hands over. Why it is a library of its
// own that nobody else's symbols reach: docs/dependencies.md, "The RE2 clash".

#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <string>

namespace {

std::string OwnFolder() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
  const std::string own(path, length > 0 ? static_cast<size_t>(length) : 0);
  return own.substr(0, own.rfind('/') + 1);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = OwnFolder();
  std::string tried;
  for (const char* place : {"libmillrace.so", "../lib/libmillrace.so"}) {
    const std::string path = folder + place;
    if (access(path.c_str(), F_OK) != 0) {
      tried += "\n  no file " + path;
      continue;
    }
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      tried += std::string("\n  ") + dlerror();
      continue;
    }
    using Main = int (*)(int, char**);
    if (const auto run = reinterpret_cast<Main>(dlsym(library, "millrace_main")))
      return run(argc, argv);
    tried += std::string("\n  ") + dlerror();
  }
  std::fprintf(stderr, "error: the engine's library cannot be loaded%s\n", tried.c_str());
  return 1;
}
