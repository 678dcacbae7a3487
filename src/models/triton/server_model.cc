#include "models/triton/server_model.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "models/inference_protocol/metadata.h"
#include "net/http_error.h"

namespace millrace {
namespace {

Error Refused(const TritonSettings& settings, const HttpResponse& response) {
  const std::string what =
      "HTTP " + std::to_string(response.status) + ": " + ErrorTextOf(response.body);
  const std::string model = "the model '" + settings.model + "'" +
                            (settings.version.empty() ? "" : " version '" + settings.version + "'");
  const std::string base = WithoutCredentials(settings.base);
  if (response.status == 401 || response.status == 403) {
    return Error::User("the server does not let us see " + model + ": " + what)
        .In(base)
        .Hint("check 'auth-token' and 'custom-headers'");
  }
  if (response.status >= 500) {
    return Error::Transient("the server cannot tell about " + model + ": " + what)
        .In(base)
        .Hint("see the server's log; is the model loaded? try: curl -X POST " + base +
              "/v2/repository/index");
  }
  if (response.status >= 300 && response.status < 400) {
    return Error::User("the server redirects to '" + std::string(response.header("location")) + "'")
        .In(base)
        .Hint(
            "redirects are not followed, so that no token leaks; name the server itself in "
            "'endpoint'");
  }
  return Error::User("the server does not know or has not loaded " + model + ": " + what)
      .In(base)
      .Hint("see what it has: curl -X POST " + base + "/v2/repository/index");
}

/// Whether the server lists the binary tensor extension; a server that says nothing of extensions
/// has none.
bool TakesBinary(const HttpResponse& server) {
  const auto object = nlohmann::json::parse(server.body, nullptr, false);
  if (server.status != 200 || !object.is_object() || !object.contains("extensions")) return false;
  const auto& extensions = object["extensions"];
  return extensions.is_array() &&
         std::find(extensions.begin(), extensions.end(), "binary_tensor_data") != extensions.end();
}

/// The newest of a server's versions: numbers by value.
std::string NewestOf(const std::vector<std::string>& versions) {
  const auto older = [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  };
  const auto newest = std::max_element(versions.begin(), versions.end(), older);
  return newest == versions.end() ? "latest" : *newest;
}

}  // namespace

Result<ServerModel> AskServer(const TritonSettings& settings, HttpClient& client) {
  const HttpResult answer = SendAndWait(client, settings.Get(settings.ModelUrl()));
  ARROW_RETURN_NOT_OK(answer.status);
  if (answer.response.status != 200) return Refused(settings, answer.response);
  auto metadata = DecodeMetadata(answer.response.body);
  if (!metadata.ok()) {
    return Error::User(metadata.status().message())
        .In(WithoutCredentials(settings.ModelUrl()))
        .Hint("does this endpoint speak the Open Inference Protocol (KServe v2)?");
  }
  const HttpResult server = SendAndWait(client, settings.Get(settings.base + "/v2"));
  ARROW_RETURN_NOT_OK(server.status);
  const HttpResult config = SendAndWait(client, settings.Get(settings.ModelUrl() + "/config"));
  ARROW_RETURN_NOT_OK(config.status);

  ServerModel model;
  model.binary = TakesBinary(server.response);
  ModelSignature& signature = model.signature;
  signature.inputs = std::move(metadata->inputs);
  signature.outputs = std::move(metadata->outputs);
  signature.version = settings.version.empty() ? NewestOf(metadata->versions) : settings.version;
  const int64_t max_batch =
      config.response.status == 200 ? MaxBatchSizeOf(config.response.body) : -1;
  const bool free_first = std::all_of(
      signature.inputs.begin(), signature.inputs.end(),
      [](const TensorSpec& tensor) { return !tensor.shape.empty() && tensor.shape[0] == -1; });
  signature.batched = !settings.one_dimensional && free_first && max_batch != 0;
  if (!signature.batched) {
    signature.max_batch = 1;
    return model;
  }
  signature.max_batch = std::max<int64_t>(max_batch, 0);
  if (settings.max_batch > 0) {
    signature.max_batch = signature.max_batch == 0
                              ? settings.max_batch
                              : std::min(signature.max_batch, settings.max_batch);
  }
  for (auto* side : {&signature.inputs, &signature.outputs}) {
    for (TensorSpec& tensor : *side) {
      if (!tensor.shape.empty()) tensor.shape.erase(tensor.shape.begin());
    }
  }
  return model;
}

}  // namespace millrace
