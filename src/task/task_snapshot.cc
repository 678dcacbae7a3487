#include "task/task_snapshot.h"

#include <atomic>
#include <utility>

namespace millrace {

std::function<void(Status)> FlushGate::Add() {
  std::lock_guard lock(mutex_);
  ++open_;
  return [self = shared_from_this(),
          called = std::make_shared<std::atomic<bool>>(false)](Status status) {
    if (!called->exchange(true)) self->Finish(status);
  };
}

void FlushGate::Finish(const Status& status) {
  std::function<void(Status)> done;
  {
    std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = status;
    if (--open_ > 0) return;
    done = std::exchange(done_, nullptr);
  }
  if (done) done(status_);
}

void FlushGate::WhenDone(std::function<void(Status)> done) {
  {
    std::lock_guard lock(mutex_);
    if (open_ > 0) {
      done_ = std::move(done);
      return;
    }
  }
  done(status_);
}

void TaskSnapshot::AddStore(std::unique_ptr<StateSnapshot> snapshot,
                            const std::vector<StateSpec>& specs) {
  for (PartId& part : snapshot->parts()) {
    Source source{snapshot.get(), {}, 1};
    for (const StateSpec& spec : specs) {
      if (spec.name == part.state) source.version = spec.version;
    }
    parts_.emplace(std::move(part), std::move(source));
  }
  snapshots_.push_back(std::move(snapshot));
}

void TaskSnapshot::AddBytes(PartId part, int version, std::string bytes) {
  parts_.emplace(std::move(part), Source{nullptr, std::move(bytes), version});
}

std::vector<PartId> TaskSnapshot::parts() const {
  std::vector<PartId> parts;
  for (const auto& [part, source] : parts_) parts.push_back(part);
  return parts;
}

int TaskSnapshot::version(const PartId& part) const {
  const auto found = parts_.find(part);
  return found == parts_.end() ? 0 : found->second.version;
}

uint64_t TaskSnapshot::content_version(const PartId& part) const {
  const auto found = parts_.find(part);
  if (found == parts_.end() || found->second.snapshot == nullptr) return 0;
  return found->second.snapshot->PartVersion(part);
}

Status TaskSnapshot::Write(const PartId& part, std::string* out) const {
  const auto found = parts_.find(part);
  if (found == parts_.end()) {
    return Error::Internal("the snapshot has no part '" + part.state + "' of '" + part.node + "'");
  }
  if (found->second.snapshot != nullptr) return found->second.snapshot->Write(part, out);
  *out = found->second.bytes;
  return Status::OK();
}

}  // namespace millrace
