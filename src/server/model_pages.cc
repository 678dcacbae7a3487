#include "server/model_pages.h"

#include <set>

#include <nlohmann/json.hpp>

#include "base/suggest.h"

namespace millrace {
namespace {

using nlohmann::json;

json TextOrNothing(const std::string& text) { return text.empty() ? json() : json(text); }

json EventJson(const ModelEvent& event) {
  return {{"at_ms", event.at_us / 1000}, {"key", TextOrNothing(event.key)},
          {"version", event.version},    {"hash", TextOrNothing(event.hash)},
          {"event", event.event},        {"reason", TextOrNothing(event.reason)}};
}

}  // namespace

ModelPages::ModelPages(Services& services)
    : statistics_(StatisticsOf(services.metrics())),
      drift_(DriftOf(services.metrics())),
      times_(TimesOf(services.metrics())) {
  const auto* history = dynamic_cast<const ModelHistory*>(&services.models());
  if (history != nullptr) events_ = history->Events();
}

json ModelPages::All() const {
  json list = json::array();
  for (const ModelStatistics& each : statistics_) list.push_back(JsonOf(each));
  return {{"models", std::move(list)}};
}

Result<json> ModelPages::Model(const std::string& model) const {
  std::set<std::string> known;
  json versions = json::array(), history = json::array();
  for (const ModelStatistics& each : statistics_) {
    known.insert(each.model);
    if (each.model == model) versions.push_back(JsonOf(each));
  }
  for (const ModelEvent& event : events_) {
    known.insert(event.model);
    if (event.model == model) history.push_back(EventJson(event));
  }
  if (!known.contains(model)) {
    return Error::User("no job of this process has used a model '" + model + "'")
        .Hint(Suggest(model, std::vector<std::string>(known.begin(), known.end())));
  }
  return json{{"model", model}, {"versions", std::move(versions)}, {"history", std::move(history)}};
}

Result<json> ModelPages::Version(const std::string& model, const std::string& version) const {
  ARROW_RETURN_NOT_OK(Model(model).status());
  const std::string hash = HashOf(model, version);
  json page, history = json::array();
  std::string names;
  for (const ModelStatistics& each : statistics_) {
    if (each.model != model) continue;
    names += (names.empty() ? "" : ", ") + each.version;
    if (each.version == version || each.version == hash) page = JsonOf(each);
  }
  for (const ModelEvent& event : events_) {
    const bool same = event.hash == version || std::to_string(event.version) == version;
    if (event.model == model && same) history.push_back(EventJson(event));
  }
  if (page.is_null() && history.empty()) {
    return Error::User("the model '" + model + "' has no version '" + version + "'")
        .Hint(names.empty() ? "none has been used" : "those that were used are " + names);
  }
  if (page.is_null()) page = {{"model", model}, {"version", hash.empty() ? version : hash}};
  page["history"] = std::move(history);
  return page;
}

std::string ModelPages::HashOf(const std::string& model, const std::string& version) const {
  std::string hash;
  for (const ModelEvent& event : events_) {
    if (event.model == model && std::to_string(event.version) == version && !event.hash.empty()) {
      hash = event.hash;
    }
  }
  return hash;
}

json ModelPages::JsonOf(const ModelStatistics& one) const {
  json drift = json::array();
  for (const ModelDrift& each : drift_) {
    if (each.model != one.model || each.version != one.version) continue;
    drift.push_back({{"side", each.side},
                     {"column", each.column},
                     {"psi", each.shift.psi},
                     {"ks", each.shift.ks},
                     {"rows", each.rows},
                     {"reference_rows", each.reference_rows},
                     {"windows", each.windows},
                     {"compared_ms", each.compared_us / 1000}});
  }
  const auto times = times_.find({one.model, one.version});
  return {{"model", one.model},
          {"version", one.version},
          {"calls", one.calls},
          {"failed_calls", one.failed_calls},
          {"rows", one.rows},
          {"failed_rows", one.failed_rows},
          {"first_use_ms", one.first_use_us / 1000},
          {"last_use_ms", one.last_use_us / 1000},
          {"call_us",
           {{"min", one.min_us},
            {"mean", one.mean_us},
            {"p50", one.p50_us},
            {"p90", one.p90_us},
            {"p99", one.p99_us},
            {"max", one.max_us}}},
          {"time_us", times == times_.end() ? json::object() : times->second},
          {"drift", std::move(drift)}};
}

}  // namespace millrace
