#include "models/triton/settings.h"

#include <algorithm>
#include <string_view>

#include "spi/secret_text.h"

namespace millrace {
namespace {

bool Strip(std::string* text, std::string_view suffix) {
  if (!text->ends_with(suffix)) return false;
  text->resize(text->size() - suffix.size());
  return true;
}

Status CheckHeader(const std::string& name, const std::string& value) {
  const auto breaks_line = [](unsigned char c) { return c < ' ' && c != '\t'; };
  if (name.empty() || std::any_of(name.begin(), name.end(), breaks_line) ||
      std::any_of(value.begin(), value.end(), breaks_line)) {
    return Error::User("the header '" + name + "' is empty or has a control character")
        .Hint("'custom-headers' = 'name:value,name2:value2'");
  }
  return Status::OK();
}

}  // namespace

Result<std::string> ParseEndpoint(const std::string& endpoint) {
  std::string base = endpoint;
  while (Strip(&base, "/")) {
  }
  if (Strip(&base, "/v2/models") || Strip(&base, "/v2")) {
    while (Strip(&base, "/")) {
    }
  }
  const auto scheme = base.find("://");
  if (scheme == std::string::npos) {
    return Error::User("the endpoint '" + endpoint + "' has no scheme")
        .Hint("write 'http://" + endpoint + "'");
  }
  const std::string name = base.substr(0, scheme);
  const std::string rest = base.substr(scheme + 3);
  if (name != "http" && name != "https") {
    return Error::User("the endpoint '" + endpoint + "' has the scheme '" + name + "'")
        .Hint("write 'http://" + rest + "' or 'https://" + rest +
              "'; the HTTP port of Triton is 8000");
  }
  if (rest.empty() || rest[0] == '/' || rest[0] == ':') {
    return Error::User("the endpoint '" + endpoint + "' names no host")
        .Hint("write 'http://host:8000'");
  }
  const auto is_space = [](unsigned char c) { return c <= ' '; };
  if (std::any_of(rest.begin(), rest.end(), is_space) ||
      rest.find_first_of("?#") != std::string::npos) {
    return Error::User("the endpoint '" + endpoint + "' is more than a host, a port and a path")
        .Hint("write 'http://host:8000'");
  }
  return base;
}

std::vector<OptionSpec> TritonSettings::Specs() {
  return {
      {.key = "endpoint",
       .doc = "http[s]://host:port, with or without /v2 or /v2/models.",
       .required = true},
      {.key = "model-name", .doc = "The model in the server's repository.", .required = true},
      {.key = "model-version",
       .default_value = "latest",
       .doc = "A version, or 'latest': the one that the server chooses."},
      {.key = "timeout",
       .type = OptionType::kDuration,
       .default_value = "30 s",
       .doc = "Of one attempt: connecting, writing and reading together."},
      {.key = "connection-timeout",
       .type = OptionType::kDuration,
       .default_value = "10 s",
       .doc = "Of DNS, TCP and TLS together, within 'timeout'."},
      {.key = "max-batch-size",
       .type = OptionType::kInt,
       .default_value = "0",
       .doc = "Most rows per request; 0: what the model's configuration says.",
       .min = 0},
      {.key = "flatten-batch-dim",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "The model has no batch dimension: a row's array of N goes as [N], not as [1, N], "
              "one row a request."},
      {.key = "priority",
       .type = OptionType::kInt,
       .doc = "Of the requests: 1 is the most urgent, 0 is the model's default.",
       .min = 0,
       .max = 255},
      {.key = "compression",
       .type = OptionType::kEnum,
       .doc = "Of requests and answers.",
       .choices = {"gzip"}},
      {.key = "auth-token", .doc = "Sent as 'Authorization: Bearer'.", .secret = true},
      {.key = "custom-headers", .type = OptionType::kMap, .doc = "Sent with every request."},
      {.key = "max-retries",
       .type = OptionType::kInt,
       .default_value = "4",
       .doc = "Further attempts after a 5xx, a time-out or a lost connection.",
       .min = 0,
       .max = 100},
      {.key = "retry-initial-backoff",
       .type = OptionType::kDuration,
       .default_value = "100 ms",
       .doc = "Pause before the first retry; doubled each time, and shortened at random by up to "
              "half."},
      {.key = "retry-max-backoff",
       .type = OptionType::kDuration,
       .default_value = "800 ms",
       .doc = "The longest pause."},
  };
}

Result<TritonSettings> TritonSettings::Read(const Options& options, const SecretProvider& secrets) {
  TritonSettings settings;
  ARROW_ASSIGN_OR_RAISE(settings.base, ParseEndpoint(options.String("endpoint")));
  settings.model = options.String("model-name");
  const std::string version = options.String("model-version");
  if (version != "latest") settings.version = version;
  for (const std::string& part : {settings.model, settings.version}) {
    if (part.find_first_of("/?#% \t\r\n") != std::string::npos) {
      return Error::User("'" + part +
                         "' cannot be a model's name or version: it would change the URL")
          .Hint("'model-name' and 'model-version' are written as the server lists them");
    }
  }
  settings.timeout_us = options.DurationMicros("timeout");
  settings.connect_timeout_us = options.DurationMicros("connection-timeout");
  settings.max_batch = options.Int("max-batch-size");
  settings.one_dimensional = options.Bool("flatten-batch-dim");
  if (options.Has("priority")) settings.priority = static_cast<int>(options.Int("priority"));
  settings.gzip = options.Has("compression");
  if (options.Has("auth-token")) {
    ARROW_ASSIGN_OR_RAISE(std::string token, WithSecrets(options.String("auth-token"), secrets));
    constexpr std::string_view kBearer = "Bearer ";
    if (token.starts_with(kBearer)) token.erase(0, kBearer.size());
    ARROW_RETURN_NOT_OK(CheckHeader("Authorization", token));
    settings.headers.push_back({"Authorization", "Bearer " + token});
  }
  for (const auto& [name, text] : options.Map("custom-headers")) {
    ARROW_ASSIGN_OR_RAISE(std::string value, WithSecrets(text, secrets));
    ARROW_RETURN_NOT_OK(CheckHeader(name, value));
    settings.headers.push_back({name, std::move(value)});
  }
  settings.max_retries = static_cast<int>(options.Int("max-retries"));
  settings.first_backoff_us = options.DurationMicros("retry-initial-backoff");
  settings.longest_backoff_us = options.DurationMicros("retry-max-backoff");
  if (settings.longest_backoff_us < settings.first_backoff_us) {
    return Error::User("'retry-max-backoff' is shorter than 'retry-initial-backoff'");
  }
  return settings;
}

std::string TritonSettings::ModelUrl() const {
  return base + "/v2/models/" + model + (version.empty() ? "" : "/versions/" + version);
}

HttpRequest TritonSettings::Get(std::string url) const {
  HttpRequest request;
  request.url = std::move(url);
  request.headers = headers;
  request.timeout_us = timeout_us;
  request.connect_timeout_us = connect_timeout_us;
  request.check_command =
      "curl -fsS -o /dev/null -w '%{http_code}\\n' " + base + "/v2/health/ready";
  return request;
}

}  // namespace millrace
