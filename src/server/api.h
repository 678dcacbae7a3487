#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json_fwd.hpp>

namespace millrace {

struct ApiRequest {
  std::string method, path;  ///< the path as it came, with its query
  std::string authorization;
  std::string content_encoding;  ///< empty, "identity" or "gzip"
  std::string inference_header_length;
  std::shared_ptr<arrow::Buffer> body;
};

struct ApiResponse {
  int status = 200;
  std::string content_type = "application/json";
  size_t inference_header_length = 0;  ///< 0: the header is left out
  std::vector<std::shared_ptr<arrow::Buffer>> body;

  static ApiResponse Json(int status, const nlohmann::json& json);
  static ApiResponse Fault(int status, const std::string& text);  ///< {"error": text}
};

/// Called on any of a server's threads, several at a time.
using ApiHandler = std::function<ApiResponse(const ApiRequest&)>;

/// The names in a path: "/v2//models?x" gives {"v2", "models"}.
std::vector<std::string> PathSegments(std::string_view path);

}  // namespace millrace
