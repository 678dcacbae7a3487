#include "task/task_progress.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace millrace {

std::string TaskProgress::ToBytes() const {
  nlohmann::json times = nlohmann::json::array();
  for (const EventTime time : watermarks) times.push_back(time.us);
  return nlohmann::json{{"finished", finished}, {"nodes", nodes}, {"watermarks", std::move(times)}}
      .dump();
}

Result<TaskProgress> TaskProgress::FromBytes(std::string_view bytes) {
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  if (!json.is_object() || !json.value("watermarks", nlohmann::json()).is_array()) {
    return Error::Data("the progress of a task in the snapshot cannot be read")
        .Hint("restore from an older checkpoint");
  }
  TaskProgress progress;
  progress.finished = json.value("finished", false);
  for (const auto& node : json.value("nodes", nlohmann::json::array())) {
    if (!node.is_string()) return Error::Data("a node in the snapshot has no name");
    progress.nodes.push_back(node.get<std::string>());
  }
  for (const auto& time : json["watermarks"]) {
    if (!time.is_number_integer())
      return Error::Data("a watermark in the snapshot is not a number");
    progress.watermarks.push_back(EventTime{time.get<int64_t>()});
  }
  return progress;
}

bool TaskProgress::Finished(const NodeId& node) const {
  return finished && std::ranges::find(nodes, node) != nodes.end();
}

void TaskProgress::Combine(const TaskProgress& other) {
  finished = finished && other.finished;
  watermarks.resize(std::max(watermarks.size(), other.watermarks.size()));
  for (size_t i = 0; i < other.watermarks.size(); ++i) {
    watermarks[i] = std::min(watermarks[i], other.watermarks[i]);
  }
}

}  // namespace millrace
