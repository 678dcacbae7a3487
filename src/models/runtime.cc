#include "models/runtime.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "models/digest.h"
#include "models/drift.h"
#include "models/metered_model.h"
#include "models/stream/shared_versions.h"
#include "models/warm_up.h"
#include "spi/model_history.h"
#include "spi/version_switch.h"

namespace millrace {
namespace {

constexpr int64_t kFirstPauseMicros = 1'000'000;
constexpr int64_t kLongestPauseMicros = 60'000'000;

std::string DigestOf(const ModelConfig& model) {
  std::string text = model.name + '\0' + model.provider + '\0';
  for (const auto& [key, value] : model.options) text += key + '\0' + value + '\0';
  return Sha256(text + model.input.ToString() + '\0' + model.output.ToString());
}

struct Entry {
  enum class State { kNew, kLoading, kReady, kFailed };
  State state = State::kNew;
  ModelLease model;
  bool leased = false;  ///< since it was loaded
  Status failure;
  int64_t pause_us = 0;
  int64_t retry_at_us = 0;
  std::vector<std::function<void(Status)>> waiting;
};

struct Shelf {
  std::mutex mutex;
  std::map<std::string, Entry> entries;
  std::multimap<std::string, std::shared_ptr<std::function<void(int64_t)>>> listeners;
  std::shared_ptr<OpenWork> work = std::make_shared<OpenWork>();
};

class ProcessModels final : public ModelRuntime, public VersionSwitch, public ModelHistory {
 public:
  explicit ProcessModels(Services& services)
      : services_(services),
        shelf_(std::make_shared<Shelf>()),
        versions_(std::make_shared<SharedVersions>(services, shelf_->work)) {}

  /// Loads and calls use the services, which are about to go.
  ~ProcessModels() override { shelf_->work->WaitForAll(); }

  Result<ModelLease> TryLease(const ModelConfig& model, const VersionSelector& version) override {
    std::lock_guard lock(shelf_->mutex);
    const auto at = shelf_->entries.find(DigestOf(model));
    if (at == shelf_->entries.end()) return nullptr;
    Entry& entry = at->second;
    if (entry.state == Entry::State::kFailed) return entry.failure;
    if (entry.state != Entry::State::kReady) return nullptr;
    const std::string& serves = entry.model->signature().version;
    if (version.kind == VersionSelector::Kind::kHash && version.hash != serves) {
      Log(LogLevel::kWarn, "models",
          "a version is gone; rows in flight are scored again by the current one",
          {{"model", model.name}, {"version", version.hash}, {"current", serves}});
    }
    entry.leased = true;
    return entry.model;
  }

  void WhenReady(const ModelConfig& model, const VersionSelector&,
                 std::function<void(Status)> ready) override {
    const std::string digest = DigestOf(model);
    Status known;
    bool waits = false;
    {
      std::lock_guard lock(shelf_->mutex);
      Entry& entry = shelf_->entries[digest];
      const bool may_load = entry.state == Entry::State::kNew ||
                            (entry.state == Entry::State::kFailed &&
                             services_.env().MonotonicMicros() >= entry.retry_at_us);
      waits = may_load || entry.state == Entry::State::kLoading;
      if (waits) {
        entry.waiting.push_back(std::move(ready));
        if (!may_load) return;
        entry.state = Entry::State::kLoading;
        DropUnused();
      } else {
        known = entry.failure;
      }
    }
    if (!waits) {
      ready(known);
      return;
    }
    services_.env().Execute(
        [shelf = shelf_, ticket = shelf_->work->Open(), &services = services_, model, digest] {
          Prepare(model, services, shelf->work,
                  [shelf, ticket, &services, digest](Result<ModelLease> loaded) {
                    Publish(*shelf, digest, std::move(loaded), services.env());
                  });
        });
  }

  void LoadVersion(const ModelConfig& model, const ModelRecord& record,
                   std::function<void(Result<LoadedVersion>)> done) override {
    versions_->Load(model, DigestOf(model), record, std::move(done));
  }

  std::shared_ptr<void> Listen(const std::string& model,
                               std::function<void(int64_t)> told) override {
    std::lock_guard lock(shelf_->mutex);
    const auto listener = shelf_->listeners.emplace(
        model, std::make_shared<std::function<void(int64_t)>>(std::move(told)));
    return {listener->second.get(), [shelf = shelf_, listener](void*) {
              std::lock_guard lock(shelf->mutex);
              shelf->listeners.erase(listener);
            }};
  }

  int Serve(const std::string& model, int64_t version) override {
    std::vector<std::shared_ptr<std::function<void(int64_t)>>> listeners;
    {
      std::lock_guard lock(shelf_->mutex);
      const auto [first, last] = shelf_->listeners.equal_range(model);
      for (auto each = first; each != last; ++each) listeners.push_back(each->second);
    }
    for (const auto& told : listeners) (*told)(version);
    return static_cast<int>(listeners.size());
  }

 private:
  /// Loads, warms up, and scores the reference of the drift. `done` comes once, on any thread. A
  /// model that cannot be warmed up serves: its rows are treated as 'on-error' says.
  static void Prepare(const ModelConfig& config, Services& services, std::shared_ptr<OpenWork> work,
                      std::function<void(Result<ModelLease>)> done) {
    auto loaded = Load(config, services);
    if (!loaded.ok()) return done(loaded.status());
    const auto& [model, options] = *loaded;
    const auto compare = [config, &services, work = std::move(work), done = std::move(done),
                          model = model, options = options] {
      WithDrift(model, config, options, services,
                [name = config.name, &services, work, done](Result<ModelLease> monitored) {
                  if (!monitored.ok()) {
                    return done(WithPlace(monitored.status(), {}, "model " + name));
                  }
                  done(Metered(std::move(*monitored), name, services, work));
                });
    };
    if (!WantsWarmUp(options)) return compare();
    Env& env = services.env();
    WarmUp(config, model, env,
           [name = config.name, &env, start = env.MonotonicMicros(), compare](auto result) {
             LogWarmUp(name, result, env.MonotonicMicros() - start);
             compare();
           });
  }

  static void LogWarmUp(const std::string& model, const Result<Prediction>& result,
                        int64_t took_us) {
    if (result.ok() && result->errors.empty()) {
      Log(LogLevel::kInfo, "models", "warmed up",
          {{"model", model}, {"ms", std::to_string(took_us / 1000)}});
      return;
    }
    Log(LogLevel::kWarn, "models", "the warm-up has failed; the first rows may take longer",
        {{"model", model},
         {"reason", result.ok() ? result->errors[0].text : result.status().message()},
         {"hint", "if the model cannot score zeros and empty texts, set 'warm-up' = 'false'"}});
  }

  struct Loaded {
    ModelLease model;
    Options options;
  };

  static Result<Loaded> Load(const ModelConfig& model, Services& services) {
    ARROW_ASSIGN_OR_RAISE(const ModelProviderSpec* provider,
                          services.registries().providers.Get(model.provider));
    auto values = model.options;
    values.erase("provider");
    ARROW_ASSIGN_OR_RAISE(
        const Options options,
        Options::Make("provider '" + provider->name + "'", provider->options, std::move(values)));
    const int64_t start = services.env().MonotonicMicros();
    auto loaded = provider->load(model, options, services);
    if (!loaded.ok()) return WithPlace(loaded.status(), {}, "model " + model.name);
    if (const auto& version = (*loaded)->signature().version; !version.empty()) {
      Log(LogLevel::kInfo, "models", "loaded",
          {{"model", model.name},
           {"provider", provider->name},
           {"version", version},
           {"ms", std::to_string((services.env().MonotonicMicros() - start) / 1000)}});
    }
    return Loaded{std::move(*loaded), options};
  }

  static void Publish(Shelf& shelf, const std::string& digest, Result<ModelLease> loaded,
                      Env& env) {
    std::vector<std::function<void(Status)>> waiting;
    {
      std::lock_guard lock(shelf.mutex);
      Entry& entry = shelf.entries[digest];
      waiting.swap(entry.waiting);
      entry.failure = loaded.status();
      entry.state = loaded.ok() ? Entry::State::kReady : Entry::State::kFailed;
      entry.leased = false;
      if (loaded.ok()) {
        entry.model = *loaded;
        entry.pause_us = 0;
      } else {
        entry.pause_us = std::clamp(entry.pause_us * 2, kFirstPauseMicros, kLongestPauseMicros);
        entry.retry_at_us = env.MonotonicMicros() + entry.pause_us;
      }
    }
    for (auto& ready : waiting) ready(loaded.status());
  }

  void DropUnused() {
    std::erase_if(shelf_->entries, [](const auto& each) {
      const Entry& entry = each.second;
      return entry.state == Entry::State::kReady && entry.leased && entry.model.use_count() == 1;
    });
  }

  Services& services_;
  const std::shared_ptr<Shelf> shelf_;
  const std::shared_ptr<SharedVersions> versions_;
};

}  // namespace

std::unique_ptr<ModelRuntime> MakeModelRuntime(Services& services) {
  return std::make_unique<ProcessModels>(services);
}

}  // namespace millrace
