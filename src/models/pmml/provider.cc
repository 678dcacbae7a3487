#include "models/pmml/provider.h"

#include "models/common_options.h"
#include "models/digest.h"
#include "models/error_policy.h"
#include "models/model_file.h"
#include "models/pmml/pmml_model.h"
#include "models/warm_up.h"
#include "spi/services.h"

namespace millrace {
namespace {

struct Loaded {
  std::shared_ptr<const pmml::Program> program;
  std::string version;
};

Result<Loaded> LoadPmml(const Options& options, Services& services) {
  const std::string path = options.String("path");
  ARROW_ASSIGN_OR_RAISE(
      const std::string bytes,
      ReadModelFile(services.env().files(), path,
                    "check the option 'path'; it is relative to the folder that Millrace runs in"));
  Loaded loaded;
  ARROW_ASSIGN_OR_RAISE(loaded.program, pmml::Program::Compile(bytes, path));
  loaded.version = Sha256(bytes);
  return loaded;
}

Result<ModelSignature> DescribePmml(const ModelConfig& config, const Options& options,
                                    Services& services) {
  ARROW_ASSIGN_OR_RAISE(const Loaded loaded, LoadPmml(options, services));
  ARROW_RETURN_NOT_OK(CheckCommonOptions(config, options, services));
  ModelSignature signature = pmml::SignatureFor(*loaded.program, config);
  signature.version = loaded.version;
  return signature;
}

Result<ModelLease> LoadPmml(const ModelConfig& config, const Options& options, Services& services) {
  ARROW_ASSIGN_OR_RAISE(Loaded loaded, LoadPmml(options, services));
  ARROW_ASSIGN_OR_RAISE(auto model, pmml::MakePmmlModel(std::move(loaded.program), config,
                                                        std::move(loaded.version)));
  return WithErrorPolicy(std::move(model), config, options);
}

Result<ModelLease> LoadPmmlBytes(const ModelConfig& config, std::string_view bytes, const Options&,
                                 Services&) {
  ARROW_ASSIGN_OR_RAISE(auto program, pmml::Program::Compile(bytes, "model " + config.name));
  return pmml::MakePmmlModel(std::move(program), config, Sha256(bytes));
}

}  // namespace

ModelProviderSpec PmmlProvider() {
  ModelProviderSpec spec;
  spec.name = "pmml";
  spec.doc =
      "A PMML document (3.0 to 4.4), compiled to columns and scored in the process on the worker's "
      "own thread. A NULL is a missing value, treated as the document says.";
  spec.example =
      "CREATE MODEL quality INPUT (fixed_acidity DOUBLE, alcohol DOUBLE) OUTPUT (quality DOUBLE)\n"
      "  WITH ('provider' = 'pmml', 'path' = 'models/quality.pmml')";
  spec.options = {{.key = "path", .doc = "File of the document.", .required = true}};
  spec.options.push_back(WarmUpOption());
  AddCommonOptions(&spec);
  spec.describe = DescribePmml;
  spec.load = LoadPmml;
  spec.load_bytes = LoadPmmlBytes;
  return spec;
}

}  // namespace millrace
