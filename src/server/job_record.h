#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace millrace {

/// What a job is, by its user's words.
struct JobDefinition {
  std::string name;                             ///< letters, digits, '_', '-', '.'; at most 128
  std::string sql;                              ///< a script with one job
  std::map<std::string, std::string> settings;  ///< as if given by SET before it
};

/// What becomes of a job when nothing else is said.
enum class JobPhase {
  kRunning,    ///< a service that starts again starts it again
  kStopped,    ///< with its state kept
  kCancelled,  ///< by a user
  kFinished,   ///< its inputs have ended
  kFailed,
};
std::string_view ToString(JobPhase phase);

/// A job as the service keeps it in a file, so that it outlives the process.
struct JobRecord {
  JobDefinition definition;
  JobPhase phase = JobPhase::kRunning;
  int run = 1;               ///< counts its starts by users; each has checkpoints of its own
  std::string restore_from;  ///< what the run began with: a savepoint or checkpoint; may be empty
  std::string error;         ///< why it failed
  int64_t submitted_us = 0;  ///< wall clock
  int64_t changed_us = 0;    ///< wall clock, of the last change of `phase`
};

/// A user error where it is no name for a job.
Status CheckJobName(std::string_view name);

/// Records in the files `<folder>/<name>.json`. Writing is atomic and durable.
Status WriteRecord(FileSystem& files, const std::string& folder, const JobRecord& record);
Status RemoveRecord(FileSystem& files, const std::string& folder, const std::string& name);
Result<JobRecord> ReadRecord(FileSystem& files, const std::string& path);
/// The paths of all records.
Result<std::vector<std::string>> ListRecords(FileSystem& files, const std::string& folder);

}  // namespace millrace
