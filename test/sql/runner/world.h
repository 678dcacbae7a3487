#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "changes.h"
#include "configuration.h"
#include "plan/physical_plan.h"
#include "session/session_impl.h"
#include "sim_services.h"
#include "simulated_job.h"
#include "site.h"
#include <millrace/session.h>

namespace millrace::sql_script {

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
  static std::unique_ptr<World> Make(Configuration configuration);

  /// One statement; a job is run to its end.
  Result<Answer> Execute(const std::string& sql);
  /// On the disk, and at http://files/.
  void PutFile(const std::string& path, std::string_view content);
  Status SetClock(int64_t us);

  /// A job that goes on beside the script until the next one starts.
  Status Start(const std::string& sql);
  /// The job that was started; a user error where there is none.
  Result<SimulatedJob*> stream();
  /// One record a line, into "topic", "topic/partition", or all partitions: "topic/*".
  Status Input(const std::string& topic, const std::vector<std::string>& lines);
  /// What is committed there.
  Result<std::vector<std::string>> Output(const std::string& topic);
  const Configuration& configuration() const { return configuration_; }
  Site& site() { return site_; }

 private:
  World(Configuration configuration, std::shared_ptr<Engine> engine)
      : configuration_(std::move(configuration)),
        session_(std::move(engine)),
        site_(configuration_.seed),
        registries_(MakeRegistries(site_.kafka)) {}

  Result<PhysicalPlan> Plan(const std::string& sql, int parallelism);
  Result<Changes> RunJob(const std::string& sql);

  const Configuration configuration_;
  Session::Impl session_;
  Site site_;
  const std::shared_ptr<const Registries> registries_;
  std::unique_ptr<SimulatedJob> stream_;
  int32_t next_partition_ = 0;
  int jobs_ = 0;
};

}  // namespace millrace::sql_script
