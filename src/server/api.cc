#include "server/api.h"

#include <algorithm>

#include <arrow/buffer.h>
#include <nlohmann/json.hpp>

namespace millrace {

using nlohmann::json;

ApiResponse ApiResponse::Json(int status, const json& body) {
  ApiResponse response;
  response.status = status;
  response.body = {
      arrow::Buffer::FromString(body.dump(-1, ' ', false, json::error_handler_t::replace))};
  return response;
}

ApiResponse ApiResponse::Fault(int status, const std::string& text) {
  return Json(status, {{"error", text}});
}

std::vector<std::string> PathSegments(std::string_view path) {
  path = path.substr(0, path.find('?'));
  std::vector<std::string> segments;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) segments.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return segments;
}

}  // namespace millrace
