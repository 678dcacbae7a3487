// Opens the engine and a gRPC library as the millrace executable does, in the order of the
// arguments, and uses the regular expressions of both, twice.
//   clash_main engine=libmillrace.so grpc=libclash_grpc_probe.so

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

void* Open(const std::string& path, const char* symbol) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* found = library == nullptr ? nullptr : dlsym(library, symbol);
  if (found == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  return found;
}

/// A query whose WHERE and projection run Arrow's regex kernels; it fails unless every row comes
/// out right.
int RunEngine(int (*millrace_main)(int, char**)) {
  std::vector<std::string> arguments = {"millrace", "run", "-e",
                                        "SELECT CASE WHEN REGEXP_REPLACE(s, '[0-9]+', '#') = "
                                        "'order # of #' AND REGEXP(s, 'order [0-9]{4} of') "
                                        "THEN 1 ELSE CAST('wrong' AS INT) END FROM (VALUES ('order "
                                        "1234 of 56'), ('order 9876 of 1')) AS t (s)"};
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  return millrace_main(static_cast<int>(argv.size()), argv.data());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::function<int()>> uses;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string path = argument.substr(argument.find('=') + 1);
    if (argument.starts_with("engine=")) {
      const auto run = reinterpret_cast<int (*)(int, char**)>(Open(path, "millrace_main"));
      if (run == nullptr) return 1;
      uses.push_back([run] { return RunEngine(run); });
    } else {
      const auto probe = reinterpret_cast<int (*)()>(Open(path, "clash_grpc_probe"));
      if (probe == nullptr) return 1;
      uses.push_back(probe);
    }
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto& use : uses) {
      if (const int wrong = use(); wrong != 0) {
        std::fprintf(stderr, "round %d: wrong (%d)\n", round, wrong);
        return 1;
      }
    }
  }
  std::puts("no clash");
  return 0;
}
