#pragma once

#include <memory>
#include <string>

#include "spi/model.h"

namespace millrace {

class Services;

// The steps from a record to a model that serves. `model` is a model of the provider 'stream', and
// its options limit them. All may block. Errors say what is wrong with the record.

/// The bytes of the record, or what is at its location.
Result<std::shared_ptr<arrow::Buffer>> BytesOf(const ModelConfig& model, const ModelRecord& record,
                                               Services& services);

/// `hash` is as `Sha256` writes it.
Status CheckHash(const ModelRecord& record, const std::string& hash);

/// Whether the version scores the golden rows of its key as expected.
Status CheckGoldenRows(const ModelConfig& model, const ModelRecord& record, LoadedModel& version,
                       Services& services);

/// The provider that the record's type names, or the model's option.
Result<const ModelProviderSpec*> ProviderOf(const ModelConfig& model, const ModelRecord& record,
                                            Services& services);

/// Loads the bytes by the record's provider, and scores a row of zeros: a model
/// that cannot do that would fail on the workers, and the first run of a runtime is its slowest.
Result<ModelLease> LoadModelVersion(const ModelConfig& model, const ModelRecord& record,
                                    std::string_view bytes, Services& services);

}  // namespace millrace
