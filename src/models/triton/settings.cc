#include "models/triton/settings.h"

#include <algorithm>
#include <string_view>

#include "models/tensor.h"
#include "net/http_error.h"
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

/// Null where no option speaks of TLS.
Result<std::shared_ptr<const TlsSettings>> ReadTls(const Options& options,
                                                   const std::string& base) {
  TlsSettings tls;
  tls.ca_file = options.String("tls-ca");
  tls.certificate_file = options.String("tls-certificate");
  tls.key_file = options.String("tls-key");
  tls.verify = options.Bool("tls-verify");
  if (tls == TlsSettings()) return nullptr;
  if (!base.starts_with("https://") && !base.starts_with("grpcs://")) {
    return Error::User("the options 'tls-…' are for an endpoint that begins with https://")
        .Hint("write '" + base.substr(0, 4) + "s" + base.substr(4) + "', or leave them out");
  }
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    return Error::User("'tls-certificate' and 'tls-key' belong together");
  }
  return std::make_shared<const TlsSettings>(std::move(tls));
}

/// The columns as tensors; none where one of them cannot be a tensor.
std::vector<TensorSpec> TensorsOf(const Schema& columns) {
  std::vector<TensorSpec> tensors;
  for (const SqlField& column : columns.columns()) {
    const SqlType* type = &column.type;
    TensorSpec tensor{column.name, "", {-1}};
    for (; type->kind() == TypeKind::kArray; type = &type->element()) tensor.shape.push_back(-1);
    const auto datatype = DatatypeFor(*type);
    if (!datatype) return {};
    tensor.datatype = NameOf(*datatype);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
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
  if (name != "http" && name != "https" && name != "grpc" && name != "grpcs") {
    return Error::User("the endpoint '" + endpoint + "' has the scheme '" + name + "'")
        .Hint("write 'http://" + rest +
              "', 'https://…', 'grpc://…' or 'grpcs://…'; Triton's HTTP "
              "port is 8000, its gRPC port 8001");
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
       .doc = "http[s]://host:port, with or without /v2 or /v2/models; or grpc[s]://host:port.",
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
      {.key = "target-latency",
       .type = OptionType::kDuration,
       .doc = "What a request should take at most: rows per request, and requests at a time, grow "
              "while answers come sooner and shrink when one comes later. Without it they are as "
              "large and as many as the other options allow."},
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
      {.key = "connection-pool-size",
       .type = OptionType::kInt,
       .default_value = "100",
       .doc = "Most connections to the endpoint at a time; further requests wait for one.",
       .min = 1,
       .max = 10000},
      {.key = "circuit-breaker-enabled",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Stop sending for a while when too many requests fail after their retries. All "
              "models of a process with the same endpoint and the same of these options share the "
              "breaker."},
      {.key = "circuit-breaker-failure-threshold",
       .type = OptionType::kDouble,
       .default_value = "0.5",
       .doc = "Share of failed requests that opens the breaker, of the last 100, once there are "
              "10.",
       .min = 0.01,
       .max = 1},
      {.key = "circuit-breaker-timeout",
       .type = OptionType::kDuration,
       .default_value = "60 s",
       .doc = "How long the breaker stays open before it lets trial requests through."},
      {.key = "circuit-breaker-half-open-requests",
       .type = OptionType::kInt,
       .default_value = "3",
       .doc = "Trial requests, all of which must succeed for the breaker to close.",
       .min = 1,
       .max = 1000},
      {.key = "health-check-enabled",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Ask the server regularly whether it is ready. A failed check is logged, shown as "
              "the metric model_server_ready, and opens the breaker; a passed one lets it try."},
      {.key = "health-check-interval",
       .type = OptionType::kDuration,
       .default_value = "30 s",
       .doc = "Between two health checks."},
      {.key = "tls-ca", .doc = "File of certificates (PEM) to trust instead of the machine's own."},
      {.key = "tls-certificate", .doc = "File of the client's certificate (PEM)."},
      {.key = "tls-key", .doc = "File of the client's private key (PEM).", .secret = true},
      {.key = "tls-verify",
       .type = OptionType::kBool,
       .default_value = "true",
       .doc = "Check the server's certificate; false is for tests only and warns."},
  };
}

Result<TritonSettings> TritonSettings::Read(const ModelConfig& declared, const Options& options,
                                            const SecretProvider& secrets) {
  TritonSettings settings;
  settings.declared_inputs = TensorsOf(declared.input);
  settings.declared_outputs = TensorsOf(declared.output);
  ARROW_ASSIGN_OR_RAISE(settings.base, ParseEndpoint(options.String("endpoint")));
  settings.shown = WithoutCredentials(settings.base);
  settings.grpc = settings.base.starts_with("grpc");
  if (settings.grpc) settings.base.replace(0, 4, "http");
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
  if (options.Has("target-latency")) {
    settings.target_latency_us = options.DurationMicros("target-latency");
    if (settings.target_latency_us <= 0 || settings.target_latency_us >= settings.timeout_us) {
      return Error::User("'target-latency' is not between 0 and 'timeout'")
          .Hint("write a duration such as '50 ms'");
    }
  }
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
  settings.max_connections = static_cast<int>(options.Int("connection-pool-size"));
  settings.breaker.enabled = options.Bool("circuit-breaker-enabled");
  settings.breaker.failure_threshold = options.Double("circuit-breaker-failure-threshold");
  settings.breaker.open_us = options.DurationMicros("circuit-breaker-timeout");
  settings.breaker.trials = static_cast<int>(options.Int("circuit-breaker-half-open-requests"));
  settings.health_checks = options.Bool("health-check-enabled");
  settings.health_interval_us = options.DurationMicros("health-check-interval");
  for (const char* key : {"timeout", "connection-timeout", "retry-initial-backoff",
                          "circuit-breaker-timeout", "health-check-interval"}) {
    if (options.DurationMicros(key) <= 0) {
      return Error::User("'" + std::string(key) + "' is no time at all")
          .Hint("write a duration such as '500 ms'; without the option its default holds");
    }
  }
  ARROW_ASSIGN_OR_RAISE(settings.tls, ReadTls(options, settings.shown));
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
  request.max_connections = max_connections;
  request.tls = tls;
  request.check_command =
      grpc ? "grpcurl " + std::string(base.starts_with("https") ? "" : "-plaintext ") +
                 base.substr(base.find("//") + 2) + " inference.GRPCInferenceService/ServerReady"
           : "curl -fsS -o /dev/null -w '%{http_code}\\n' " + base + "/v2/health/ready";
  return request;
}

}  // namespace millrace
