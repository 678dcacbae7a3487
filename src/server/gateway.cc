#include "server/gateway.h"

#include <algorithm>
#include <map>

#include <arrow/buffer.h>
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

#include "base/log.h"
#include "server/job_json.h"
#include "server/model_pages.h"
#include "server/prometheus_text.h"
#include "server/status_page.h"
#include <millrace/session.h>

namespace millrace {
namespace {

using nlohmann::json;

ApiResponse Refused(int status, const Status& error) {
  const ErrorDetails details = DetailsOf(error);
  json body = {{"error", error.message()}};
  if (!details.hint.empty()) body["hint"] = details.hint;
  if (!details.where.empty()) body["where"] = details.where;
  if (details.line > 0) {
    body["line"] = details.line;
    body["column"] = details.column;
  }
  return ApiResponse::Json(status, body);
}

int StatusOf(const Status& error) {
  switch (DetailsOf(error).kind) {
    case ErrorDetails::Kind::kUser:
    case ErrorDetails::Kind::kData:
      return 400;
    case ErrorDetails::Kind::kTransient:
      return 503;
    case ErrorDetails::Kind::kInternal:
      break;
  }
  return 500;
}

ApiResponse WrongMethod(const ApiRequest& request, const char* known) {
  return ApiResponse::Fault(405, request.method + " is not for this page; there is " + known);
}

/// As long for a wrong token as for the right one.
bool SameSecret(std::string_view given, std::string_view expected) {
  return given.size() == expected.size() &&
         CRYPTO_memcmp(given.data(), expected.data(), given.size()) == 0;
}

/// The members of a request's object. A member that is not asked for is an error of the client.
class Body {
 public:
  static Result<Body> Parse(const ApiRequest& request, std::vector<std::string> known) {
    const std::string_view text(*request.body);
    json members = text.empty() ? json::object() : json::parse(text, nullptr, false);
    if (!members.is_object()) return Error::User("the request's body is no JSON object");
    for (const auto& [key, value] : members.items()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      std::string names;
      for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
      return Error::User("the request has a member '" + key + "'").Hint("known are: " + names);
    }
    return Body(std::move(members));
  }

  /// Empty where it is missing.
  Result<std::string> Text(const char* key) const {
    if (!members_.contains(key) || members_[key].is_null()) return std::string();
    if (members_[key].is_string()) return members_[key].get<std::string>();
    return Error::User("'" + std::string(key) + "' is not a text");
  }

  Result<std::map<std::string, std::string>> Texts(const char* key) const {
    std::map<std::string, std::string> texts;
    if (!members_.contains(key)) return texts;
    if (!members_[key].is_object()) return Error::User("'" + std::string(key) + "' is no object");
    for (const auto& [name, value] : members_[key].items()) {
      if (!value.is_primitive() || value.is_null()) {
        return Error::User("'" + std::string(key) + "." + name + "' is not a text");
      }
      texts[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    return texts;
  }

 private:
  explicit Body(json members) : members_(std::move(members)) {}

  json members_;
};

Result<ApiResponse> SetLevels(const ApiRequest& request) {
  const json body = json::parse(std::string_view(*request.body), nullptr, false);
  if (!body.is_object()) return Error::User("the request's body is no JSON object");
  std::map<std::string, LogLevel> levels;
  for (const auto& [component, level] : body.items()) {
    if (!level.is_string()) return Error::User("the level of '" + component + "' is not a text");
    ARROW_ASSIGN_OR_RAISE(levels[component], ParseLogLevel(level.get<std::string>()));
  }
  for (const auto& [component, level] : levels) SetLogLevel(component, level);
  return ApiResponse::Json(200, body);
}

ApiResponse Text(std::string text, std::string type) {
  ApiResponse response;
  response.content_type = std::move(type);
  response.body = {arrow::Buffer::FromString(std::move(text))};
  return response;
}

ApiResponse OrRefused(Result<ApiResponse> response) {
  if (response.ok()) return std::move(*response);
  return Refused(StatusOf(response.status()), response.status());
}

}  // namespace

ApiResponse Gateway::Answer(const ApiRequest& request) const {
  const auto path = PathSegments(request.path);
  const bool is_read = request.method == "GET";
  if (path == std::vector<std::string>{"healthz"}) {
    return is_read ? Text("ok\n", "text/plain") : WrongMethod(request, "GET");
  }
  if (path.empty()) {
    return is_read ? Text(std::string(kStatusPage), "text/html; charset=utf-8")
                   : WrongMethod(request, "GET");
  }
  if (!token_.empty() && !SameSecret(request.authorization, "Bearer " + token_)) {
    return ApiResponse::Fault(401,
                              "the request bears no valid token: send the header "
                              "'Authorization: Bearer <token>'");
  }
  if (path == std::vector<std::string>{"metrics"}) {
    return is_read ? Text(PrometheusText(Metrics()), "text/plain; version=0.0.4")
                   : WrongMethod(request, "GET");
  }
  if (path.size() >= 2 && path[0] == "v1" && path[1] == "jobs") return AnswerJobs(request, path);
  if (path == std::vector<std::string>{"v1", "info"}) {
    return is_read ? ApiResponse::Json(200, {{"name", "millrace"}, {"version", Version()}})
                   : WrongMethod(request, "GET");
  }
  if (path.size() >= 2 && path[0] == "v1" && path[1] == "models") {
    return AnswerModels(request, path);
  }
  if (path == std::vector<std::string>{"v1", "log-levels"}) {
    return request.method == "PUT" ? OrRefused(SetLevels(request)) : WrongMethod(request, "PUT");
  }
  return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
}

ApiResponse Gateway::AnswerJobs(const ApiRequest& request,
                                const std::vector<std::string>& path) const {
  if (path.size() == 2 && request.method == "GET") {
    json list = json::array();
    for (const ServedJob& job : jobs_.List()) list.push_back(JobSummary(job));
    return ApiResponse::Json(200, {{"jobs", std::move(list)}});
  }
  if (path.size() == 2) {
    return request.method == "POST" ? OrRefused(Submit(request))
                                    : WrongMethod(request, "GET and POST");
  }
  const std::string& name = path[2];
  const auto job = jobs_.Find(name);
  if (!job.ok()) return Refused(404, job.status());
  if (path.size() == 3 && request.method == "GET") {
    return ApiResponse::Json(200, JobDetails(*job));
  }
  if (path.size() == 3) {
    return request.method == "DELETE" ? OrRefused(Remove(name))
                                      : WrongMethod(request, "GET and DELETE");
  }
  if (path.size() == 4 && request.method == "POST") return OrRefused(Act(request, name, path[3]));
  return path.size() == 4 ? WrongMethod(request, "POST")
                          : ApiResponse::Fault(404, "there is no page '" + request.path + "'");
}

ApiResponse Gateway::AnswerModels(const ApiRequest& request,
                                  const std::vector<std::string>& path) const {
  if (request.method != "GET") return WrongMethod(request, "GET");
  const bool one_version = path.size() == 5 && path[3] == "versions";
  if (path.size() > 3 && !one_version) {
    return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  }
  const ModelPages pages(services_);
  if (path.size() == 2) return ApiResponse::Json(200, pages.All());
  const auto page = one_version ? pages.Version(path[2], path[4]) : pages.Model(path[2]);
  return page.ok() ? ApiResponse::Json(200, *page) : Refused(404, page.status());
}

Result<ApiResponse> Gateway::Submit(const ApiRequest& request) const {
  ARROW_ASSIGN_OR_RAISE(const Body body,
                        Body::Parse(request, {"name", "sql", "settings", "restore_from"}));
  JobDefinition definition;
  ARROW_ASSIGN_OR_RAISE(definition.name, body.Text("name"));
  ARROW_ASSIGN_OR_RAISE(definition.sql, body.Text("sql"));
  ARROW_ASSIGN_OR_RAISE(definition.settings, body.Texts("settings"));
  ARROW_ASSIGN_OR_RAISE(const std::string restore_from, body.Text("restore_from"));
  ARROW_ASSIGN_OR_RAISE(const ServedJob job, jobs_.Submit(std::move(definition), restore_from));
  return ApiResponse::Json(201, JobDetails(job));
}

Result<ApiResponse> Gateway::Remove(const std::string& name) const {
  ARROW_RETURN_NOT_OK(jobs_.Remove(name));
  return ApiResponse::Json(200, {{"name", name}});
}

Result<ApiResponse> Gateway::Act(const ApiRequest& request, const std::string& name,
                                 const std::string& action) const {
  if (action == "savepoint" || action == "stop") {
    ARROW_ASSIGN_OR_RAISE(const Body body, Body::Parse(request, {"folder"}));
    ARROW_ASSIGN_OR_RAISE(const std::string folder, body.Text("folder"));
    ARROW_ASSIGN_OR_RAISE(const std::string path, action == "stop" ? jobs_.Stop(name, folder)
                                                                   : jobs_.Savepoint(name, folder));
    return ApiResponse::Json(200, {{"name", name}, {"savepoint", path}});
  }
  if (action == "start") {
    ARROW_ASSIGN_OR_RAISE(const Body body, Body::Parse(request, {"restore_from"}));
    ARROW_ASSIGN_OR_RAISE(const std::string from, body.Text("restore_from"));
    ARROW_ASSIGN_OR_RAISE(const ServedJob job, jobs_.Start(name, from));
    return ApiResponse::Json(200, JobDetails(job));
  }
  if (action == "cancel") {
    ARROW_RETURN_NOT_OK(jobs_.Cancel(name));
    return ApiResponse::Json(200, {{"name", name}});
  }
  return ApiResponse::Fault(
      404, "a job has no action '" + action + "'; there is savepoint, stop, start and cancel");
}

std::vector<MetricValue> Gateway::Metrics() const {
  std::vector<MetricValue> metrics = services_.metrics().Snapshot();
  for (const ServedJob& job : jobs_.List()) AppendMetrics(job, &metrics);
  return metrics;
}

}  // namespace millrace
