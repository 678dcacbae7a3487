#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/error.h"

namespace millrace {

/// A Python process that runs one function: see `kPythonWorker`. For one thread at a time; killed
/// when it is destroyed. What the function prints goes to the standard error output.
class PythonProcess {
 public:
  struct Command {
    std::string interpreter, path, function;
    std::string output_schema;  ///< an Arrow stream without batches
    int64_t timeout_us = 0;     ///< of a request, and of the start
  };

  /// Returns when the file is imported. Errors: no such interpreter, what the import says.
  static Result<std::unique_ptr<PythonProcess>> Start(Env& env, const Command& command);
  ~PythonProcess();

  /// The Arrow stream that the function makes of that of `request`. An error of the class data is
  /// the function's, or the end of the process; another that it took too long. `alive` tells
  /// whether it takes another request.
  Result<std::string> Ask(std::string_view request);
  bool alive() const { return alive_; }

 private:
  explicit PythonProcess(Env& env) : env_(env) {}
  Status Send(std::string_view bytes, int64_t deadline_us);
  Status Receive(char* bytes, size_t size, int64_t deadline_us);
  Status Wait(short events, int64_t deadline_us);
  Status Ended();

  Env& env_;
  pid_t pid_ = -1;
  int socket_ = -1;
  int64_t timeout_us_ = 0;
  bool alive_ = false;
};

}  // namespace millrace
