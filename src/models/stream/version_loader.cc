#include "models/stream/version_loader.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/buffer.h>

#include "models/drift.h"
#include "models/error_policy.h"
#include "models/model_file.h"
#include "models/packed_folder.h"
#include "models/stream/golden_rows.h"
#include "models/stream/s3_location.h"
#include "models/warm_up.h"
#include "net/http.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// The enum `modeltype` of a ModelDescriptor, by number and by name, where that is no provider's.
constexpr std::pair<std::string_view, std::string_view> kModelTypes[] = {
    {"0", "tensorflow"}, {"1", "tensorflow"}, {"TENSORFLOWSAVED", "tensorflow"},
    {"2", "pmml"},       {"3", "onnx"},
};

Result<Options> OptionsOf(const ModelConfig& model, Services& services) {
  ARROW_ASSIGN_OR_RAISE(const ModelProviderSpec* stream,
                        services.registries().providers.Get(model.provider));
  auto values = model.options;
  values.erase("provider");
  return Options::Make("provider '" + model.provider + "'", stream->options, std::move(values));
}

Result<std::shared_ptr<arrow::Buffer>> Fetch(HttpClient& http, HttpRequest request, int64_t limit) {
  const std::string url = request.url;
  request.max_response_bytes = static_cast<size_t>(limit);
  HttpResult result = SendAndWait(http, std::move(request));
  ARROW_RETURN_NOT_OK(result.status);
  if (const int status = result.response.status; status != 200) {
    const std::string refusal = S3Refusal(result.response.body);
    const std::string answer =
        "the server answers " + std::to_string(status) + (refusal.empty() ? "" : ", " + refusal);
    if (status == 429 || status >= 500) return Error::Transient(answer).In(url);
    return Error::User(answer).In(url);
  }
  return arrow::Buffer::FromString(std::move(result.response.body));
}

Result<std::shared_ptr<arrow::Buffer>> ReadLocation(const std::string& location, int64_t limit,
                                                    const Options& options, Services& services) {
  if (location.starts_with("http://") || location.starts_with("https://")) {
    HttpRequest request;
    request.url = location;
    return Fetch(services.http(), std::move(request), limit);
  }
  if (location.starts_with("s3://")) {
    ARROW_ASSIGN_OR_RAISE(HttpRequest request, S3Request(location, options, services.secrets()));
    return Fetch(services.http(), std::move(request), limit);
  }
  std::string path = location;
  if (path.starts_with("file://")) path.erase(0, std::string_view("file://").size());
  if (path.find("://") != std::string::npos) {
    return Error::User("a model cannot be read from '" + location + "'")
        .Hint("a location is a path, or begins with file://, http://, https:// or s3://");
  }
  FileSystem& files = services.env().files();
  ARROW_ASSIGN_OR_RAISE(const FileInfo info, files.Stat(path));
  if (info.is_directory) return PackFolder(files, path, limit);
  ARROW_RETURN_NOT_OK(CheckModelSize(info.size, limit));
  ARROW_ASSIGN_OR_RAISE(auto content, ReadFile(files, path));
  return arrow::Buffer::FromString(std::move(content));
}

/// The rules of paths hold for what the path leads to, too.
bool Allowed(const std::string& location, const std::string& prefix) {
  if (prefix.empty()) return true;
  return location.starts_with(prefix) && location.find("/../") == std::string::npos &&
         !location.ends_with("/..");
}

}  // namespace

Result<std::shared_ptr<arrow::Buffer>> BytesOf(const ModelConfig& model, const ModelRecord& record,
                                               Services& services) {
  ARROW_ASSIGN_OR_RAISE(const Options options, OptionsOf(model, services));
  const int64_t limit = options.Bytes("max-model-size");
  if (record.bytes) {
    ARROW_RETURN_NOT_OK(CheckModelSize(record.bytes->size(), limit));
    return record.bytes;
  }
  const std::string prefix = options.String("location-prefix");
  if (!Allowed(record.location, prefix)) {
    return Error::User("models may not be read from '" + record.location + "'")
        .Hint("their 'location-prefix' is '" + prefix + "'");
  }
  return ReadLocation(record.location, limit, options, services);
}

Status CheckHash(const ModelRecord& record, const std::string& hash) {
  if (record.sha256.empty()) return Status::OK();
  std::string wanted = record.sha256;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (wanted == hash || "sha256:" + wanted == hash) return Status::OK();
  return Error::User("the model's bytes are " + hash + ", but the record says " + record.sha256)
      .Hint("the bytes were damaged or changed on the way: publish the version again");
}

Status CheckGoldenRows(const ModelConfig& model, const ModelRecord& record, LoadedModel& version,
                       Services& services) {
  ARROW_ASSIGN_OR_RAISE(const Options options, OptionsOf(model, services));
  ARROW_ASSIGN_OR_RAISE(const GoldenRows golden, GoldenRows::Read(model, options, services));
  return golden.Check(version, record);
}

Result<const ModelProviderSpec*> ProviderOf(const ModelConfig& model, const ModelRecord& record,
                                            Services& services) {
  ARROW_ASSIGN_OR_RAISE(const Options stream, OptionsOf(model, services));
  std::string type = record.type.empty() ? stream.String("type") : record.type;
  for (const auto& [name, provider] : kModelTypes) {
    if (type == name) type = provider;
  }
  ARROW_ASSIGN_OR_RAISE(const ModelProviderSpec* provider,
                        services.registries().providers.Get(type));
  if (provider->load_bytes == nullptr) {
    return Error::User("versions of the type '" + type + "' cannot come as records");
  }
  return provider;
}

Result<ModelLease> LoadModelVersion(const ModelConfig& model, const ModelRecord& record,
                                    std::string_view bytes, Services& services) {
  ARROW_ASSIGN_OR_RAISE(const Options stream, OptionsOf(model, services));
  ARROW_ASSIGN_OR_RAISE(const ModelProviderSpec* provider, ProviderOf(model, record, services));
  std::vector<OptionSpec> specs = provider->options;
  for (OptionSpec& spec : specs) spec.required = false;
  ARROW_ASSIGN_OR_RAISE(const Options options,
                        Options::Make("provider '" + provider->name + "'", specs,
                                      stream.Under(provider->name + ".")));
  ARROW_ASSIGN_OR_RAISE(auto loaded, provider->load_bytes(model, bytes, options, services));
  if (!loaded->signature().local) {
    return Error::Internal("the provider '" + provider->name + "' scores on other threads");
  }
  Status tried = Error::Internal("the version has not scored");
  WarmUp(model, loaded, services.env(), [&](auto result) { tried = result.status(); });
  ARROW_RETURN_NOT_OK(tried);
  ARROW_ASSIGN_OR_RAISE(loaded, WithErrorPolicy(std::move(loaded), model, stream));
  Result<ModelLease> monitored = Error::Internal("the version has not scored its reference");
  WithDrift(std::move(loaded), model, stream, services,
            [&](auto with_drift) { monitored = std::move(with_drift); });
  return monitored;
}

}  // namespace millrace
