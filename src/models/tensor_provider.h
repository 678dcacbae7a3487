#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "models/common_options.h"
#include "models/error_policy.h"
#include "models/local_model.h"
#include "models/tensor_model.h"
#include "spi/services.h"

namespace millrace {

TensorModelOptions ReadTensorModelOptions(const Options& options);
/// Adds what that reads, and what all models in the process have; `library` says where the
/// runtime's is looked for.
void AddTensorModelOptions(ModelProviderSpec* spec, const std::string& path,
                           const std::string& library);

/// Lets `spec` load tensor models into the process: `Runtime::Open(options, files)` reads the file
/// that the options name, `Runtime::Open(options, bytes, env)` what a record brought; each gives a
/// `Result<std::shared_ptr<TensorModel>>`.
template <class Runtime>
void LoadTensorModelsWith(ModelProviderSpec* spec) {
  spec->describe = [](const ModelConfig& config, const Options& options,
                      Services& services) -> Result<ModelSignature> {
    ARROW_ASSIGN_OR_RAISE(const auto model, Runtime::Open(options, services.env().files()));
    ARROW_RETURN_NOT_OK(CheckCommonOptions(config, options, services));
    return model->signature();
  };
  spec->load = [](const ModelConfig& config, const Options& options,
                  Services& services) -> Result<ModelLease> {
    ARROW_ASSIGN_OR_RAISE(auto model, Runtime::Open(options, services.env().files()));
    ARROW_ASSIGN_OR_RAISE(auto local, MakeLocalModel(config, std::move(model)));
    return WithErrorPolicy(std::move(local), config, options);
  };
  spec->load_bytes = [](const ModelConfig& config, std::string_view bytes, const Options& options,
                        Services& services) -> Result<ModelLease> {
    ARROW_ASSIGN_OR_RAISE(auto model, Runtime::Open(options, bytes, services.env()));
    return MakeLocalModel(config, std::move(model));
  };
}

}  // namespace millrace
