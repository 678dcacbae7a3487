#pragma once

#include <string>

#include "net/http.h"

namespace millrace {

/// What is known of a request that brought no response.
struct HttpFailure {
  int curl_code = 0;
  int system_errno = 0;
  std::string detail;   ///< what libcurl said
  std::string address;  ///< the last one that was tried, "10.0.0.7:8000"
  HttpPhase phase = HttpPhase::kResolve;
  bool too_large = false;
};

/// The error that a user reads: what was tried, how far it got, what to try next. In the URL,
/// without credentials.
Status DescribeFailure(const HttpRequest& request, const HttpFailure& failure);

/// The URL without user and password.
std::string WithoutCredentials(const std::string& url);

/// "30s", "1.5s", "250ms".
std::string DurationText(int64_t us);
/// "812 bytes", "1.2 MB".
std::string SizeText(size_t bytes);

}  // namespace millrace
