#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/open_work.h"
#include "spi/model.h"

namespace millrace {

class Services;

/// The versions that records brought, loaded once for all subtasks of a process. Thread-safe.
class SharedVersions : public std::enable_shared_from_this<SharedVersions> {
 public:
  using Done = std::function<void(Result<LoadedVersion>)>;

  /// `services` outlives the work.
  SharedVersions(Services& services, std::shared_ptr<OpenWork> work)
      : services_(services), work_(std::move(work)) {}

  /// `model_digest` is that of `model`. Who asks for a version that is being loaded gets it then,
  /// and who asks for what is at a location, while others have it, what they have.
  void Load(const ModelConfig& model, const std::string& model_digest, const ModelRecord& record,
            Done done);

 private:
  Result<LoadedVersion> LoadShared(const ModelConfig& model, const std::string& model_digest,
                                   const std::string& name, const ModelRecord& record);
  Result<ModelLease> LoadNew(const ModelConfig& model, const ModelRecord& record,
                             const LoadedVersion& version);
  Result<std::shared_ptr<arrow::Buffer>> Read(const ModelConfig& model, const std::string& name,
                                              const ModelRecord& record);

  Services& services_;
  const std::shared_ptr<OpenWork> work_;
  std::mutex mutex_;
  std::map<std::string, std::vector<Done>> loading_;                   ///< by record
  std::map<std::string, std::weak_ptr<arrow::Buffer>> from_location_;  ///< by record
  std::map<std::string, std::weak_ptr<LoadedModel>> loaded_;  ///< by definition, type and content
};

}  // namespace millrace
