#pragma once

#include "models/triton/settings.h"
#include "net/http.h"
#include "spi/model.h"

namespace millrace {

/// What a server tells of a model.
struct ServerModel {
  ModelSignature signature;
  bool binary = true;  ///< the server takes binary tensors
};

/// Asks the server; blocks. Errors tell an unreachable server from a missing model.
Result<ServerModel> AskServer(const TritonSettings& settings, HttpClient& client);

}  // namespace millrace
