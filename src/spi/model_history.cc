#include "spi/model_history.h"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

constexpr size_t kMostEvents = 1000;

}  // namespace

void ModelHistory::Add(ModelEvent event) {
  std::lock_guard lock(mutex_);
  auto& events = events_[event.model];
  if (std::ranges::find(events, event) != events.end()) return;
  const auto later = std::ranges::upper_bound(events, event.at_us, {}, &ModelEvent::at_us);
  events.insert(later, std::move(event));
  if (events.size() > kMostEvents) events.pop_front();
}

std::vector<ModelEvent> ModelHistory::Events() const {
  std::lock_guard lock(mutex_);
  std::vector<ModelEvent> all;
  for (const auto& [model, events] : events_) all.insert(all.end(), events.begin(), events.end());
  return all;
}

Schema ModelHistorySchema() {
  Schema schema;
  schema.Add("happened_at", SqlType::TimestampLtz(3));
  for (const char* name : {"model", "model_key"}) schema.Add(name, SqlType::String());
  schema.Add("version", SqlType::BigInt());
  for (const char* name : {"hash", "event", "reason"}) schema.Add(name, SqlType::String());
  return schema;
}

}  // namespace millrace
