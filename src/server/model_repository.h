#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/tensor_model.h"
#include "spi/services.h"

namespace millrace {

/// A version of a model that is served, or why it is not.
struct ServedModel {
  std::string name, version;
  std::shared_ptr<TensorModel> model;  ///< null: it could not be loaded
  std::string reason;
  int64_t max_batch = 0;  ///< rows per request; 0: the model has no batch dimension
};

/// The models below a folder laid out as Triton's: NAME/VERSION/model.onnx, where a version is a
/// number; beside the versions a config.pbtxt, of which only `max_batch_size` is read. Immutable;
/// thread-safe.
class ModelRepository {
 public:
  static constexpr int64_t kDefaultMaxBatch = 1024;

  /// Loads all of them; a model that does not load is kept with its reason. Fails where there is no
  /// model at all.
  static Result<std::unique_ptr<ModelRepository>> Open(const std::string& folder,
                                                       Services& services);

  /// `version` empty: the newest that could be loaded. Null where there is none.
  const ServedModel* Find(const std::string& name, const std::string& version) const;
  std::vector<const ServedModel*> All() const;                         ///< by name and version
  std::vector<std::string> VersionsOf(const std::string& name) const;  ///< that could be loaded

 private:
  std::map<std::string, std::map<int64_t, ServedModel>> models_;
};

}  // namespace millrace
