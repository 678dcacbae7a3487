#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "changes.h"
#include "plan/physical_plan.h"
#include "session/session_impl.h"
#include "sim/fake_disk.h"
#include <millrace/session.h>

namespace millrace::sql_script {

class Results;

/// How the jobs of a script are run. What they answer does not depend on it.
struct Configuration {
  std::string name;
  int batch_rows = 1024;
  /// A job is killed at a moment that the seed draws and goes on with the next; with the last it
  /// comes to its end.
  std::vector<int> parallelism = {1};
  bool through_json = false;  ///< what runs is the plan read back from its JSON
  uint64_t seed = 1;

  bool crashes() const { return parallelism.size() > 1; }
  /// The one in which every single change is seen, in one order.
  bool exact() const { return batch_rows == 1 && parallelism == std::vector<int>{1}; }
};

/// What a statement answers.
struct Answer {
  enum class Kind { kNothing, kLines, kChanges };
  Kind kind = Kind::kNothing;
  std::vector<std::string> lines;  ///< of EXPLAIN, SHOW, DESCRIBE
  Changes changes;                 ///< of a query
};

/// A session whose jobs run on virtual time, on a disk that exists only here.
class World {
 public:
  static Result<std::unique_ptr<World>> Make(Configuration configuration);

  /// One statement; a job is run to its end.
  Result<Answer> Execute(const std::string& sql);
  Status PutFile(const std::string& path, std::string_view content);
  void SetClock(int64_t us) { now_us_ = us; }
  const Configuration& configuration() const { return configuration_; }
  int restores() const { return restores_; }  ///< from a checkpoint, after a crash

 private:
  World(Configuration configuration, std::unique_ptr<Session> session)
      : configuration_(std::move(configuration)),
        session_(std::move(session)),
        random_(configuration_.seed),
        disk_(configuration_.seed, {}) {}

  Result<PhysicalPlan> Plan(const std::string& sql, int parallelism);
  Result<Changes> RunJob(const std::string& sql);
  /// True: the job has come to its end; false: it was killed after so many steps.
  Result<bool> Live(PhysicalPlan plan, const std::string& folder, int64_t kill_after,
                    const std::shared_ptr<Results>& results);

  const Configuration configuration_;
  const std::unique_ptr<Session> session_;
  std::mt19937_64 random_;
  FakeDisk disk_;
  int64_t now_us_ = 1'704'067'200'000'000;  ///< 2024-01-01 00:00:00 UTC
  int jobs_ = 0;
  int restores_ = 0;
};

}  // namespace millrace::sql_script
