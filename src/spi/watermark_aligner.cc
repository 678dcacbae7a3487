#include "spi/watermark_aligner.h"

#include <utility>

namespace millrace {

std::unique_ptr<WatermarkAligner::Member> WatermarkAligner::Join(const std::string& group) {
  std::unique_ptr<Member> member(new Member(*this, group));
  std::lock_guard lock(mutex_);
  member->said_ = groups_[group].insert(EventTime::Min());
  return member;
}

EventTime WatermarkAligner::Member::Report(EventTime watermark) {
  std::lock_guard lock(aligner_.mutex_);
  auto& group = aligner_.groups_[group_];
  group.erase(said_);
  said_ = group.insert(watermark);
  return *group.begin();
}

WatermarkAligner::Member::~Member() {
  std::lock_guard lock(aligner_.mutex_);
  const auto group = aligner_.groups_.find(group_);
  group->second.erase(said_);
  if (group->second.empty()) aligner_.groups_.erase(group);
}

}  // namespace millrace
