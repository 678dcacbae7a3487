#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "models/tensor_model.h"
#include "server/dynamic_batcher.h"
#include "server/serving_state.h"
#include "spi/services.h"

namespace millrace {

/// A version of a model that is served, or why it is not.
struct ServedModel {
  std::string name, version;
  std::shared_ptr<TensorModel> model;  ///< null: it could not be loaded, or was unloaded
  std::string reason;
  ModelSignature signature;  ///< as clients see it: without the tensors of `states`
  int64_t max_batch = 0;     ///< rows per request; 0: the model has no batch dimension
  std::vector<StateTensor> states;
  std::shared_ptr<ServingSequences> sequences;  ///< null: it keeps no state
  std::shared_ptr<DynamicBatcher> batcher;      ///< null: each request is run by itself
  std::shared_ptr<ServingStatistics> statistics = std::make_shared<ServingStatistics>();
};
using ServedModelPtr = std::shared_ptr<const ServedModel>;

/// The models below a folder laid out as Triton's: NAME/VERSION/model.onnx, where a version is a
/// number; beside the versions a config.pbtxt, of which `max_batch_size`, `dynamic_batching` and,
/// of `sequence_batching`, the idle time and the states are read. Thread-safe.
class ModelRepository {
 public:
  static constexpr int64_t kDefaultMaxBatch = 1024;

  /// Loads all of them; a model that does not load is kept with its reason. Fails where there is no
  /// model at all.
  static Result<std::unique_ptr<ModelRepository>> Open(const std::string& folder,
                                                       Services& services);
  ModelRepository(std::string folder, FileSystem& files)
      : folder_(std::move(folder)), files_(files) {}

  /// Reads the model's folder again: new versions come, those that are gone go. A user error where
  /// no version of it can be loaded; what was served before is then served on.
  Status Load(const std::string& name);
  /// Takes all versions of it out of service; requests at work are finished.
  Status Unload(const std::string& name);

  /// `version` empty: the newest that could be loaded. Null where there is none.
  ServedModelPtr Find(const std::string& name, const std::string& version) const;
  std::vector<ServedModelPtr> All() const;  ///< by name and version
  bool batches() const;                     ///< whether requests of any model wait for others
  std::vector<std::string> VersionsOf(const std::string& name) const;  ///< that could be loaded

 private:
  using Versions = std::map<int64_t, ServedModelPtr>;

  ServedModelPtr LoadVersion(const std::string& name, int64_t number, const std::string& file);
  Result<std::map<std::string, Versions>> Read(const std::string& only);

  const std::string folder_;
  FileSystem& files_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Versions> models_;
};

}  // namespace millrace
