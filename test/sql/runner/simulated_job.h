#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "changes.h"
#include "configuration.h"
#include "plan/physical_plan.h"
#include "site.h"
#include "spi/services.h"

namespace millrace::sql_script {

class Results;

/// A job on virtual time, through crashes: each life but the last is ended by one, and the next
/// goes on from the newest checkpoint. What the configuration leaves open is drawn for each job.
class SimulatedJob {
 public:
  /// The job's plan at a parallelism.
  using Planner = std::function<Result<PhysicalPlan>(int parallelism)>;

  SimulatedJob(Site& site, const Configuration& configuration, const SecretProvider& secrets,
               std::shared_ptr<const Registries> registries, std::string folder, Planner plan);
  ~SimulatedJob();

  /// A bounded job, with all crashes that it is to have.
  Status RunToEnd();

  // --- a job without an end; between the calls it stands still
  Status Start();
  /// All that was there to read has gone through, and what came of it is committed.
  Status Settle();
  /// Takes a checkpoint; rows may be anywhere.
  Status Barrier();
  Status Crash();
  /// At a parallelism, or one of the configuration.
  Status GoOn(std::optional<int> parallelism);
  /// Time passes until the wall clock has come there; one that has is set back.
  Status PassUntil(int64_t us);

  /// What a query has given since the last call.
  Changes TakeChanges();

 private:
  struct Life;
  /// How the seed has it for this job.
  struct Ways {
    int64_t channel_bytes = 1 << 20;
    int64_t interval_us = 0;    ///< between checkpoints; 0: none are due by time
    int64_t barrier_every = 0;  ///< steps, about, between checkpoints that are asked for; 0: none
    int64_t jump_every = 0;     ///< steps, about, between jumps of the wall clock; 0: none
  };

  void DrawWays();
  void DrawCrash();
  Status Begin(int parallelism);
  Status Restore(PhysicalPlan plan);
  bool last_life() const { return lives_ >= configuration_.parallelism.size(); }
  bool CrashIsDue() const;
  /// False: nothing will ever happen again.
  bool Step();
  void Die();
  void EndLife();
  /// Until nothing more happens for long; through crashes.
  Status RunUntilQuiet();
  Status StepOrGoOn();

  Site& site_;
  const Configuration& configuration_;
  const SecretProvider& secrets_;
  const std::shared_ptr<const Registries> registries_;
  const std::string folder_;
  const Planner plan_;
  bool commits_;  ///< rows count once their checkpoint is complete
  Ways ways_;
  Changes changes_;  ///< without rows: what kind they are
  std::shared_ptr<Results> results_;
  std::unique_ptr<Life> life_;
  size_t lives_ = 0;
  bool sound_ = false;          ///< no more faults: what fails now would fail without them
  int64_t steps_ = 0;           ///< of this life
  int64_t kill_after_ = 0;      ///< steps
  int64_t barriers_left_ = 0;   ///< before it may become quiet
  int64_t barrier_in_;          ///< steps to that of the configuration; 0: none
  size_t barrier_life_ = 0;     ///< which ends when that is complete
  int64_t before_barrier_ = 0;  ///< checkpoints
};

}  // namespace millrace::sql_script
