#pragma once

#include <string>
#include <utility>

#include "net/http.h"

namespace millrace {

// Of clients whose server is a test.

inline HttpResult ResponseOf(int status, std::string body) {
  HttpResult result;
  result.phase = HttpPhase::kDone;
  result.response.status = status;
  result.response.body = std::move(body);
  return result;
}

inline std::string BodyOf(const HttpRequest& request) {
  std::string body;
  for (const HttpPiece& piece : request.body) body += piece.bytes;
  return body;
}

}  // namespace millrace
