#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "script.h"

namespace millrace::sql_script {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 1;
};

/// Runs each script with each seed, twice: both runs must answer as the script says and trace the
/// same. Tells of failures, with the command that repeats them, and of its progress now and then.
/// True: all were clean.
bool RunSeeds(const std::vector<Script>& scripts, Seeds seeds, const std::string& program,
              std::ostream& out);

/// Runs each script once for each step of its longest job: all its jobs crash with a checkpoint
/// that begins there, and go on at another parallelism. `only`: for that step alone; 0: for each.
bool RunBarriers(const std::vector<Script>& scripts, int64_t only, const std::string& program,
                 std::ostream& out);

}  // namespace millrace::sql_script
