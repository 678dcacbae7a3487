#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "session/result_buffer.h"
#include "spi/services.h"

namespace millrace {

class Runtime;
struct SessionOptions;

/// What all sessions of a process share: the registries, the loaded models, the workers.
/// Thread-safe.
class Engine final : public Services {
 public:
  /// The process's engine: made for the first session, gone with the last.
  static std::shared_ptr<Engine> Shared(const SessionOptions& options);

  explicit Engine(const SessionOptions& options);
  /// `http` outlives it.
  Engine(const SessionOptions& options, HttpClient& http);
  ~Engine() override;

  Env& env() override { return *env_; }
  const Registries& registries() const override { return registries_; }
  ModelRuntime& models() override { return *models_; }
  const SecretProvider& secrets() const override { return *secrets_; }
  MetricRegistry& metrics() override { return metrics_; }
  HttpClient& http() override { return http_; }
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view name) override;

  Runtime& runtime() { return *runtime_; }

  /// A new receiver and the name for a plan to know it by. It is known for as long as somebody
  /// holds it.
  std::pair<std::string, std::shared_ptr<ResultBuffer>> AddReceiver();

 private:
  std::unique_ptr<Env> env_;
  std::unique_ptr<SecretProvider> secrets_;
  MetricRegistry metrics_;
  HttpClient& http_;
  Registries registries_;
  std::unique_ptr<ModelRuntime> models_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<ResultBuffer>, std::less<>> receivers_;
  int64_t next_receiver_ = 0;
  std::unique_ptr<Runtime> runtime_;  ///< last: its jobs use all of the above
};

}  // namespace millrace
