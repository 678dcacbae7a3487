#include "session/settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "expr/temporal.h"

namespace millrace {
namespace {

constexpr std::string_view kTimeZone = "table.local-time-zone";

/// What Flink's own settings begin with.
constexpr std::array kFlinkPrefixes = {
    "akka.",
    "blob.",
    "client.",
    "cluster.",
    "env.",
    "execution.",
    "fs.",
    "heartbeat.",
    "high-availability.",
    "historyserver.",
    "io.",
    "jobmanager.",
    "jobstore.",
    "kubernetes.",
    "metrics.",
    "parallelism.",
    "pekko.",
    "pipeline.",
    "python.",
    "queryable-state.",
    "rest.",
    "restart-strategy",
    "security.",
    "slot.",
    "slotmanager.",
    "sql-client.",
    "sql-gateway.",
    "state.",
    "table.",
    "taskmanager.",
    "web.",
    "yarn.",
    "zookeeper.",
};

/// Older names of Flink's, and what they are called now.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOlderNames = {{
    {"state.checkpoints.dir", "execution.checkpointing.dir"},
    {"state.savepoints.dir", "execution.checkpointing.savepoint-dir"},
    {"state.checkpoints.num-retained", "execution.checkpointing.num-retained"},
    {"execution.savepoint.path", "execution.state-recovery.path"},
    {"execution.savepoint.ignore-unclaimed-state",
     "execution.state-recovery.ignore-unclaimed-state"},
    {"restart-strategy", "restart-strategy.type"},
}};

std::string CurrentName(const std::string& key) {
  const auto* known =
      std::ranges::find(kOlderNames, key, [](const auto& names) { return names.first; });
  return known == kOlderNames.end() ? key : std::string(known->second);
}

std::vector<OptionSpec> MakeSpecs() {
  std::vector<OptionSpec> specs;
  const auto add = [&](OptionSpec spec) { specs.push_back(std::move(spec)); };
  add({.key = "parallelism.default",
       .type = OptionType::kInt,
       .default_value = "1",
       .doc = "How many subtasks each stage of a job has.",
       .min = 1,
       .max = 32768});
  add({.key = "pipeline.max-parallelism",
       .type = OptionType::kInt,
       .default_value = "128",
       .doc = "Into how many key groups keyed state is cut: the most subtasks a job can be "
              "rescaled to.",
       .min = 1,
       .max = 32768});
  add({.key = "pipeline.name", .doc = "The name of the jobs started from now on."});
  add({.key = "execution.runtime-mode",
       .type = OptionType::kEnum,
       .default_value = "streaming",
       .doc = "`streaming` gives every change of a result; `batch`, for bounded inputs, the final "
              "rows only.",
       .choices = {"streaming", "batch"}});
  add({.key = std::string(kTimeZone),
       .default_value = "UTC",
       .doc =
           "The zone in which TIMESTAMP_LTZ values are shown and read, such as `Europe/Berlin`."});
  add({.key = "table.exec.source.idle-timeout",
       .type = OptionType::kDuration,
       .default_value = "0",
       .doc = "After how long without rows a split no longer holds back the watermark; 0: never."});
  add({.key = "table.exec.emit.allow-lateness",
       .type = OptionType::kDuration,
       .default_value = "0",
       .doc = "How long after its end a window is kept for late rows; each corrects the window's "
              "result, which makes the result a changelog."});
  add({.key = "table.exec.sink.not-null-enforcer",
       .type = OptionType::kEnum,
       .default_value = "REJECT",
       .doc =
           "What becomes of a row with a NULL for a NOT NULL column of its table: it is rejected, "
           "told and counted; it is an ERROR that ends the job, which is Flink's default; or it "
           "is left out (DROP).",
       .choices = {"REJECT", "ERROR", "DROP"}});
  add({.key = "table.optimizer.agg-phase-strategy",
       .type = OptionType::kEnum,
       .default_value = "AUTO",
       .doc =
           "`TWO_PHASE` sums up each batch before it goes to the subtask of its key, which helps "
           "where few keys have most of the rows; `AUTO` does so where a single subtask would "
           "otherwise get all rows, in a grouping without keys.",
       .choices = {"AUTO", "ONE_PHASE", "TWO_PHASE"}});
  add({.key = "table.exec.state.ttl",
       .type = OptionType::kDuration,
       .default_value = "0",
       .doc =
           "How long state that no watermark clears, such as that of a GROUP BY without a window, "
           "is kept after its last write; 0: for ever. What comes later begins anew."});
  add({.key = "state.backend.type",
       .type = OptionType::kEnum,
       .default_value = "hashmap",
       .doc = "Where the state of jobs is between checkpoints: `hashmap` in memory, `rocksdb` on "
              "disk, with the rows in use in memory. A checkpoint of one restores into the other.",
       .choices = {"hashmap", "rocksdb"}});
  add({.key = "state.backend",
       .type = OptionType::kEnum,
       .default_value = "hashmap",
       .doc = "The older name of `state.backend.type`, which goes before it.",
       .choices = {"hashmap", "rocksdb"}});
  add({.key = "state.backend.rocksdb.localdir",
       .default_value = "/tmp",
       .doc = "The folder on a local disk in which `rocksdb` keeps state, each operator's in a "
              "folder of its own that is removed at the end."});
  add({.key = "state.backend.rocksdb.memory.fixed-per-slot",
       .type = OptionType::kBytes,
       .default_value = "64 mb",
       .doc = "About how much memory `rocksdb` takes for each subtask of an operator with state."});
  add({.key = "table.dml-sync",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether a statement waits until the job of the INSERT before it has ended."});
  add({.key = "execution.checkpointing.interval",
       .type = OptionType::kDuration,
       .default_value = "0",
       .doc = "How often the state of a job is saved; 0: never."});
  add({.key = "execution.checkpointing.dir",
       .doc = "The folder of the checkpoints; each job has its own below it."});
  add({.key = "execution.checkpointing.num-retained",
       .type = OptionType::kInt,
       .default_value = "1",
       .doc = "How many checkpoints of a job are kept.",
       .min = 1,
       .max = 1000});
  add({.key = "execution.checkpointing.timeout",
       .type = OptionType::kDuration,
       .default_value = "10 min",
       .doc = "After how long a checkpoint is given up. The job goes on."});
  add({.key = "execution.checkpointing.min-pause",
       .type = OptionType::kDuration,
       .default_value = "0",
       .doc = "The least time from the end of a checkpoint to the begin of the next."});
  add({.key = "execution.checkpointing.tolerable-failed-checkpoints",
       .type = OptionType::kInt,
       .doc = "How many checkpoints in a row may fail before the job does; not set: any number, "
              "since a failed checkpoint loses nothing.",
       .min = 0,
       .max = 1'000'000});
  add({.key = "execution.checkpointing.savepoint-dir",
       .doc = "The folder of the savepoints that STOP JOB … WITH SAVEPOINT takes."});
  add({.key = "execution.state-recovery.path",
       .doc = "The checkpoint or savepoint that the jobs started from now on begin with."});
  add({.key = "execution.state-recovery.ignore-unclaimed-state",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc =
           "Whether a restored job may leave behind state that its plan does not know any more."});
  add({.key = "restart-strategy.type",
       .type = OptionType::kEnum,
       .doc = "How a job goes on after a failure that is not the user's to mend, from its last "
              "checkpoint. Not set: `exponential-delay` where checkpoints are taken, else `none`.",
       .choices = {"none", "fixed-delay", "exponential-delay", "failure-rate"}});
  add({.key = "restart-strategy.fixed-delay.attempts",
       .type = OptionType::kInt,
       .default_value = "1",
       .doc = "How often a job is restarted.",
       .min = 0});
  add({.key = "restart-strategy.fixed-delay.delay",
       .type = OptionType::kDuration,
       .default_value = "1 s",
       .doc = "The pause before a restart."});
  add({.key = "restart-strategy.exponential-delay.initial-backoff",
       .type = OptionType::kDuration,
       .default_value = "1 s",
       .doc = "The pause before the first restart."});
  add({.key = "restart-strategy.exponential-delay.max-backoff",
       .type = OptionType::kDuration,
       .default_value = "1 min",
       .doc = "The longest pause before a restart."});
  add({.key = "restart-strategy.exponential-delay.backoff-multiplier",
       .type = OptionType::kDouble,
       .default_value = "1.5",
       .doc = "How many times as long each pause is as the one before.",
       .min = 1});
  add({.key = "restart-strategy.exponential-delay.jitter-factor",
       .type = OptionType::kDouble,
       .default_value = "0.1",
       .doc = "By which share a pause may be longer or shorter, by chance.",
       .min = 0,
       .max = 1});
  add({.key = "restart-strategy.exponential-delay.reset-backoff-threshold",
       .type = OptionType::kDuration,
       .default_value = "1 h",
       .doc = "After how long without a failure the pauses are short again."});
  add({.key = "restart-strategy.exponential-delay.attempts-before-reset-backoff",
       .type = OptionType::kInt,
       .doc = "How many restarts there may be until the pauses are short again; not set: any "
              "number.",
       .min = 0});
  add({.key = "restart-strategy.failure-rate.max-failures-per-interval",
       .type = OptionType::kInt,
       .default_value = "1",
       .doc = "How many restarts there may be within an interval.",
       .min = 1});
  add({.key = "restart-strategy.failure-rate.failure-rate-interval",
       .type = OptionType::kDuration,
       .default_value = "1 min",
       .doc = "The interval in which restarts are counted."});
  add({.key = "restart-strategy.failure-rate.delay",
       .type = OptionType::kDuration,
       .default_value = "1 s",
       .doc = "The pause before a restart."});
  add({.key = "millrace.batch-rows",
       .type = OptionType::kInt,
       .default_value = "1024",
       .doc = "How many rows a source puts into a batch at most.",
       .min = 1,
       .max = 65536});
  add({.key = "millrace.channel-bytes",
       .type = OptionType::kBytes,
       .default_value = "1 mb",
       .doc =
           "How many bytes may wait between two subtasks before the upstream one is held back."});
  return specs;
}

const OptionSpec* FindSpec(std::string_view key) {
  const auto specs = SettingSpecs();
  const auto it = std::ranges::find(specs, key, &OptionSpec::key);
  return it == specs.end() ? nullptr : &*it;
}

bool IsFlinks(std::string_view key) {
  return std::ranges::any_of(kFlinkPrefixes,
                             [&](std::string_view p) { return key.starts_with(p); });
}

Status UnknownSetting(const std::string& key, Position at) {
  std::vector<std::string> known;
  for (const OptionSpec& spec : SettingSpecs()) known.push_back(spec.key);
  return Error::User("there is no setting '" + key + "'").At(at).Hint(Suggest(key, known));
}

bool IsMisspelt(const std::string& key) {
  std::vector<std::string> known;
  for (const OptionSpec& spec : SettingSpecs()) known.push_back(spec.key);
  return !Nearest(key, known).empty();
}

}  // namespace

std::span<const OptionSpec> SettingSpecs() {
  static const auto* specs = new std::vector<OptionSpec>(MakeSpecs());
  return *specs;
}

bool IsOfTheRun(std::string_view key) {
  return key.starts_with("execution.checkpointing.") ||
         key.starts_with("execution.state-recovery.") || key.starts_with("restart-strategy.");
}

Result<std::string> Settings::Set(const std::string& written, const std::string& value,
                                  Position at) {
  const std::string key = CurrentName(written);
  std::string warning;
  if (const OptionSpec* spec = FindSpec(key)) {
    ARROW_RETURN_NOT_OK(
        Options::Make("SET", std::span(spec, 1), {{key, value}}, {{key, at}}).status());
    if (key == kTimeZone) ARROW_RETURN_NOT_OK(WithPlace(TimeZone::Find(value).status(), at));
  } else if (IsFlinks(key) && !IsMisspelt(key)) {
    warning = "'" + key + "' is a setting of Flink that has no effect here";
  } else {
    return UnknownSetting(key, at);
  }
  std::lock_guard lock(mutex_);
  values_[key] = value;
  return warning;
}

Status Settings::Reset(const std::string& written, Position at) {
  const std::string key = CurrentName(written);
  std::lock_guard lock(mutex_);
  if (values_.erase(key) == 0 && FindSpec(key) == nullptr && !IsFlinks(key)) {
    return UnknownSetting(key, at);
  }
  return Status::OK();
}

void Settings::ResetAll() {
  std::lock_guard lock(mutex_);
  values_.clear();
}

std::map<std::string, std::string> Settings::Written() const {
  std::lock_guard lock(mutex_);
  return {values_.begin(), values_.end()};
}

std::string Settings::Get(std::string_view key) const {
  {
    std::lock_guard lock(mutex_);
    if (const auto it = values_.find(key); it != values_.end()) return it->second;
  }
  const OptionSpec* spec = FindSpec(key);
  return spec == nullptr ? std::string() : spec->default_value;
}

bool Settings::GetBool(std::string_view key) const { return ParseBool(Get(key)).ValueOr(false); }

}  // namespace millrace
