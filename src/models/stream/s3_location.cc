#include "models/stream/s3_location.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include <pugixml.hpp>

#include "spi/secret_text.h"

namespace millrace {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr char kDefaultRegion[] = "us-east-1";
/// SHA-256 of a body of no bytes.
constexpr char kNoBody[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string FromEnvironment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

/// As the signature wants a path: all but unreserved characters and '/' as %XX.
std::string EncodedPath(std::string_view path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : path) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._~/").find(c) != std::string_view::npos;
    if (kept) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return encoded;
}

}  // namespace

std::vector<OptionSpec> S3Options() {
  return {
      {.key = "s3.endpoint",
       .doc =
           "Where `s3://bucket/key` is read, http(s)://host:port, for a store that is not AWS's; "
           "by default AWS_ENDPOINT_URL, else AWS's of the region."},
      {.key = "s3.region", .doc = "By default AWS_REGION, else us-east-1."},
      {.key = "s3.access-key", .doc = "By default AWS_ACCESS_KEY_ID.", .secret = true},
      {.key = "s3.secret-key", .doc = "By default AWS_SECRET_ACCESS_KEY.", .secret = true},
  };
}

Result<HttpRequest> S3Request(const std::string& location, const Options& options,
                              const SecretProvider& secrets) {
  const std::string rest = location.substr(kScheme.size());
  const auto slash = rest.find('/');
  const std::string bucket = rest.substr(0, slash);
  if (bucket.empty() || slash == std::string::npos || slash + 1 == rest.size()) {
    return Error::User("'" + location + "' names no object").Hint("write s3://bucket/key");
  }
  const std::string path = EncodedPath(rest.substr(slash));
  const auto setting = [&](const char* key, const char* variable) -> Result<std::string> {
    if (options.Has(key)) return WithSecrets(options.String(key), secrets);
    return FromEnvironment(variable);
  };
  auto aws = std::make_shared<AwsSignature>();
  ARROW_ASSIGN_OR_RAISE(std::string endpoint, setting("s3.endpoint", "AWS_ENDPOINT_URL"));
  ARROW_ASSIGN_OR_RAISE(aws->region, setting("s3.region", "AWS_REGION"));
  ARROW_ASSIGN_OR_RAISE(aws->access_key, setting("s3.access-key", "AWS_ACCESS_KEY_ID"));
  ARROW_ASSIGN_OR_RAISE(aws->secret_key, setting("s3.secret-key", "AWS_SECRET_ACCESS_KEY"));
  if (aws->region.empty()) aws->region = kDefaultRegion;
  aws->service = "s3";
  while (endpoint.ends_with('/')) endpoint.pop_back();

  HttpRequest request;
  const std::string host = "s3." + aws->region + ".amazonaws.com";
  if (!endpoint.empty()) {
    request.url = endpoint + "/" + bucket + path;
  } else if (bucket.find('.') != std::string::npos) {
    request.url = "https://" + host + "/" + bucket + path;  // no certificate is for its dots
  } else {
    request.url = "https://" + bucket + "." + host + path;
  }
  if (aws->access_key.empty()) return request;
  request.headers.push_back({"x-amz-content-sha256", kNoBody});
  if (const auto token = FromEnvironment("AWS_SESSION_TOKEN");
      !token.empty() && !options.Has("s3.access-key")) {
    request.headers.push_back({"x-amz-security-token", token});
  }
  request.aws = std::move(aws);
  return request;
}

std::string S3Refusal(const std::string& body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size())) return {};
  const pugi::xml_node error = document.child("Error");
  const std::string code = error.child_value("Code"), message = error.child_value("Message");
  return message.empty() ? code : code + ": " + message;
}

}  // namespace millrace
