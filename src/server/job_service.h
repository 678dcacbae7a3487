#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "server/job_record.h"
#include <millrace/session.h>

namespace millrace {

struct JobServiceOptions {
  std::string folder;  ///< of the service: records, checkpoints, savepoints
  /// As if given by SET before every job's script. Checkpoints go below `folder` and are taken
  /// every 10 s unless a job says otherwise.
  std::map<std::string, std::string> settings;
};

/// A job of the service, as it is now.
struct ServedJob {
  JobRecord record;
  std::string id;           ///< of the run; empty: it does not run
  int64_t started_us = 0;   ///< of the run
  JobMetrics metrics;       ///< of the run, or the last one of this process
  RestoreInfo restored;     ///< likewise
  bool restarting = false;  ///< it failed, and begins again by itself
};

/// Jobs by name, which outlive the process: what ran when it ended, in whatever way, runs again
/// from its newest checkpoint. Each job has a session of its own, so no table or model is shared.
/// Thread-safe; methods may block.
class JobService {
 public:
  /// Reads the records and starts what ran. A job that does not start is kept as failed, with the
  /// reason; the others are not touched by it.
  static Result<std::unique_ptr<JobService>> Open(JobServiceOptions options, Env& env);
  /// Ends the runs; they go on when the service is opened again.
  ~JobService();

  /// A new job; a user error where there is one of that name, or the script does not compile: then
  /// nothing is kept. `restore_from` may be empty.
  Result<ServedJob> Submit(JobDefinition definition, const std::string& restore_from = {});
  std::vector<ServedJob> List() const;  ///< by name
  Result<ServedJob> Find(const std::string& name) const;

  /// Saves the state of a running job; gives the savepoint's path. `folder` empty: the service's.
  Result<std::string> Savepoint(const std::string& name, const std::string& folder = {});
  /// Saves its state and ends the run with it, so that nothing is processed after the savepoint;
  /// gives its path.
  Result<std::string> Stop(const std::string& name, const std::string& folder = {});
  /// Runs a job that does not run, from `restore_from`, else from where it stopped.
  Result<ServedJob> Start(const std::string& name, const std::string& restore_from = {});
  /// Ends the run without saving.
  Status Cancel(const std::string& name);
  /// Forgets a job that does not run. Its checkpoints and savepoints stay.
  Status Remove(const std::string& name);

 private:
  class Core;
  explicit JobService(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  std::shared_ptr<Core> core_;  ///< shared with what a run's end starts
};

}  // namespace millrace
