#include "models/stream/shared_versions.h"

#include <utility>

#include <arrow/buffer.h>

#include "base/log.h"
#include "models/background.h"
#include "models/digest.h"
#include "models/metered_model.h"
#include "models/stream/version_loader.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// What the loads of one version have in common.
std::string NameOf(const std::string& model_digest, const ModelRecord& record) {
  std::string name = model_digest + record.type + '\0' + std::to_string(record.order) + '\0' +
                     record.sha256 + '\0' + record.hash + '\0';
  for (const auto& [column, value] : record.key) name += column + '\0' + value + '\0';
  if (!record.hash.empty()) return name;
  if (!record.bytes) return name + record.location;
  return name + std::to_string(reinterpret_cast<uintptr_t>(record.bytes->data())) + '+' +
         std::to_string(record.bytes->size());
}

template <class T>
std::shared_ptr<T> Known(std::map<std::string, std::weak_ptr<T>>& all, const std::string& name) {
  std::erase_if(all, [](const auto& each) { return each.second.expired(); });
  const auto known = all.find(name);
  return known == all.end() ? nullptr : known->second.lock();
}

}  // namespace

void SharedVersions::Load(const ModelConfig& model, const std::string& model_digest,
                          const ModelRecord& record, Done done) {
  std::string name = NameOf(model_digest, record);
  {
    std::lock_guard lock(mutex_);
    auto& waiting = loading_[name];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;
  }
  services_.env().Execute([self = shared_from_this(), ticket = work_->Open(), model, model_digest,
                           record, name = std::move(name)] {
    AtLowPriority([&] {
      const auto loaded = self->LoadShared(model, model_digest, name, record);
      std::vector<Done> waiting;
      {
        std::lock_guard lock(self->mutex_);
        waiting = std::move(self->loading_.extract(name).mapped());
      }
      for (const Done& each : waiting) each(loaded);
    });
  });
}

Result<std::shared_ptr<arrow::Buffer>> SharedVersions::Read(const ModelConfig& model,
                                                            const std::string& name,
                                                            const ModelRecord& record) {
  if (!record.bytes) {
    std::lock_guard lock(mutex_);
    if (auto bytes = Known(from_location_, name)) return bytes;
  }
  ARROW_ASSIGN_OR_RAISE(auto bytes, BytesOf(model, record, services_));
  if (!record.bytes) {
    std::lock_guard lock(mutex_);
    from_location_[name] = bytes;
  }
  return bytes;
}

Result<LoadedVersion> SharedVersions::LoadShared(const ModelConfig& model,
                                                 const std::string& model_digest,
                                                 const std::string& name,
                                                 const ModelRecord& record) {
  LoadedVersion version;
  ARROW_ASSIGN_OR_RAISE(version.bytes, Read(model, name, record));
  version.hash = Sha256(std::string_view(*version.bytes));
  ARROW_RETURN_NOT_OK(CheckHash(record, version.hash));
  const std::string content = model_digest + record.type + version.hash;
  {
    std::lock_guard lock(mutex_);
    version.model = Known(loaded_, content);
  }
  if (!version.model) {
    ARROW_ASSIGN_OR_RAISE(version.model, LoadNew(model, record, version));
  }
  if (record.hash.empty()) {
    ARROW_RETURN_NOT_OK(CheckGoldenRows(model, record, *version.model, services_));
  }
  std::lock_guard lock(mutex_);
  loaded_[content] = version.model;
  return version;
}

Result<ModelLease> SharedVersions::LoadNew(const ModelConfig& model, const ModelRecord& record,
                                           const LoadedVersion& version) {
  const int64_t start = services_.env().MonotonicMicros();
  ARROW_ASSIGN_OR_RAISE(const ModelProviderSpec* provider, ProviderOf(model, record, services_));
  ARROW_ASSIGN_OR_RAISE(
      auto loaded, LoadModelVersion(model, record, std::string_view(*version.bytes), services_));
  Log(LogLevel::kInfo, "models", "loaded a version",
      {{"model", model.name},
       {"provider", provider->name},
       {"version", version.hash},
       {"ms", std::to_string((services_.env().MonotonicMicros() - start) / 1000)}});
  return FreedElsewhere(Metered(std::move(loaded), model.name, services_, work_), services_.env());
}

}  // namespace millrace
