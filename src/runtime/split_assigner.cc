#include "runtime/split_assigner.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace millrace {

SplitAssigner::SplitAssigner(NodeId node, std::unique_ptr<SplitFinder> finder, std::string state,
                             std::vector<TaskRunner*> readers, Env& env, Post post, Failed failed)
    : node_(std::move(node)),
      finder_(std::move(finder)),
      state_(std::move(state)),
      readers_(std::move(readers)),
      given_(readers_.size()),
      env_(env),
      post_(std::move(post)),
      failed_(std::move(failed)),
      restored_(!state_.empty()) {}

void SplitAssigner::Start() { Find(true); }

void SplitAssigner::Find(bool open) {
  if (busy_) {
    again_ = true;
    return;
  }
  if (finished_ || stopped_) return;
  busy_ = true;
  env_.Execute([self = shared_from_this(), open] {
    Found found;
    found.status = [&]() -> Status {
      try {
        SplitFinder& finder = *self->finder_;
        if (open) {
          const auto readers = static_cast<int>(self->readers_.size());
          ARROW_RETURN_NOT_OK(finder.Open(self->state_, readers, self->env_));
          finder.OnReady([weak = self->weak_from_this()] {
            if (auto alive = weak.lock()) alive->post_([alive] { alive->Find(false); });
          });
        }
        ARROW_ASSIGN_OR_RAISE(found.splits, finder.NewSplits());
        found.finished = finder.finished();
        return Status::OK();
      } catch (const std::exception& e) {
        return Error::Internal(std::string("unexpected exception: ") + e.what());
      }
    }();
    self->post_([self, found = std::move(found)]() mutable { self->OnFound(std::move(found)); });
  });
}

void SplitAssigner::OnFound(Found found) {
  busy_ = false;
  if (stopped_) return;
  if (!found.status.ok()) {
    failed_(found.status.WithMessage("in '", node_, "': ", found.status.message()));
    return;
  }
  std::vector<std::vector<Split>> shares(readers_.size());
  for (Split& split : found.splits) {
    const auto fewest = std::min_element(given_.begin(), given_.end());
    ++*fewest;
    shares[static_cast<size_t>(fewest - given_.begin())].push_back(std::move(split));
  }
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (!shares[i].empty()) readers_[i]->AddSplits(std::move(shares[i]));
  }
  if (!restored_ && !found.finished && !found.splits.empty() && !std::exchange(told_, true)) {
    WarnOfIdle();
  }
  if (found.finished && !std::exchange(finished_, true)) {
    for (TaskRunner* reader : readers_) reader->NoMoreSplits();
  }
  if (auto quiet = std::exchange(when_quiet_, nullptr)) quiet();
  if (std::exchange(again_, false)) Find(false);
}

void SplitAssigner::WarnOfIdle() const {
  const auto idle = std::ranges::count(given_, 0);
  if (idle == 0) return;
  Log(LogLevel::kWarn, "runtime", "some subtasks of a source have nothing to read",
      {{"source", node_},
       {"idle", std::to_string(idle)},
       {"subtasks", std::to_string(readers_.size())},
       {"hint", "give the topic as many partitions, or the job a lower 'parallelism.default'"}});
}

}  // namespace millrace
