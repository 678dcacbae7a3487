#pragma once

#include <string>

#include "base/options.h"
#include "net/http.h"
#include "spi/services.h"

namespace millrace {

/// 's3.endpoint' and the others that reading `s3://bucket/key` takes.
std::vector<OptionSpec> S3Options();

/// The request that reads `s3://bucket/key`, signed with the keys of the options, else with those
/// of the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), unsigned
/// where there are none. With an endpoint the bucket is part of the path, as MinIO wants it.
Result<HttpRequest> S3Request(const std::string& location, const Options& options,
                              const SecretProvider& secrets);

/// What S3 says of a request that it refused: "AccessDenied: Access Denied". Empty where it says
/// nothing.
std::string S3Refusal(const std::string& body);

}  // namespace millrace
