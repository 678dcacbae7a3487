#pragma once

namespace millrace::cli {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,        ///< a statement or job has failed, or its output could not be written
  kUsage = 2,         ///< the command line is wrong, or a file that it names cannot be read
  kInterrupted = 130  ///< Ctrl-C
};

}  // namespace millrace::cli
