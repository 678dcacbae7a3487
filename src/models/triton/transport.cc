#include "models/triton/transport.h"

#include <algorithm>
#include <array>

#include "net/http_error.h"

namespace millrace {

bool IsClientMistake(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kSigns = {"failed to parse",
                                                              "unable to parse",
                                                              "Unable to parse",
                                                              "unexpected shape",
                                                              "unexpected datatype",
                                                              "unexpected total byte size",
                                                              "unexpected additional input",
                                                              "unexpected inference",
                                                              "must specify the START flag",
                                                              "expected "};
  return std::any_of(kSigns.begin(), kSigns.end(), [&](std::string_view sign) {
    return text.find(sign) != std::string_view::npos;
  });
}

Error AbsentModel(const TritonSettings& settings, Absence absence, const std::string& what) {
  const std::string model = "the model '" + settings.model + "'" +
                            (settings.version.empty() ? "" : " version '" + settings.version + "'");
  const std::string base = settings.shown;
  const std::string index = settings.grpc
                                ? "see the server's log for the models that it has"
                                : "see what it has: curl -X POST " + base + "/v2/repository/index";
  switch (absence) {
    case Absence::kNoRights:
      return Error::User("the server does not let us see " + model + ": " + what)
          .In(base)
          .Hint("check 'auth-token' and 'custom-headers'");
    case Absence::kNotReady:
      return Error::Transient("the server cannot tell about " + model + ": " + what)
          .In(base)
          .Hint("see the server's log; is the model loaded? " + index);
    case Absence::kUnknown:
      break;
  }
  return Error::User("the server does not know or has not loaded " + model + ": " + what)
      .In(base)
      .Hint(index);
}

std::string NewestOf(const std::vector<std::string>& versions) {
  const auto older = [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  };
  const auto newest = std::max_element(versions.begin(), versions.end(), older);
  return newest == versions.end() ? "latest" : *newest;
}

Status SettleTensors(const TritonSettings& settings, int64_t max_batch, ServerModel* model) {
  ModelSignature& signature = model->signature;
  if (signature.inputs.empty()) signature.inputs = settings.declared_inputs;
  if (signature.outputs.empty()) signature.outputs = settings.declared_outputs;
  if (signature.inputs.empty() || signature.outputs.empty()) {
    return Error::User("the server does not tell the inputs and outputs of the model '" +
                       settings.model + "'")
        .In(settings.shown)
        .Hint(
            "declare INPUT and OUTPUT: each column is the tensor of its name, ARRAYs have more "
            "dimensions; or let the model's metadata name them");
  }
  const bool free_first = std::all_of(
      signature.inputs.begin(), signature.inputs.end(),
      [](const TensorSpec& tensor) { return !tensor.shape.empty() && tensor.shape[0] == -1; });
  signature.batched = !settings.one_dimensional && free_first && max_batch != 0;
  if (!signature.batched) {
    signature.max_batch = 1;
    return Status::OK();
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
  return Status::OK();
}

std::unique_ptr<Transport> MakeTransport(const TritonSettings& settings, HttpClient& client) {
  return settings.grpc ? MakeGrpcTransport(settings, client) : MakeHttpTransport(settings, client);
}

}  // namespace millrace
