#include "runtime/part_reader.h"

#include <atomic>
#include <future>
#include <utility>

namespace millrace {
namespace {

constexpr int64_t kAheadBytes = int64_t{32} << 20;
constexpr int64_t kWorthAThread = int64_t{64} << 10;  ///< bytes of a part

}  // namespace

struct PartReader::Read {
  Read(std::packaged_task<Result<std::string>()> do_it, int64_t part_bytes)
      : task(std::move(do_it)), bytes(part_bytes) {}

  /// Whoever comes first reads.
  void Begin() {
    if (!begun.exchange(true)) task();
  }

  std::packaged_task<Result<std::string>()> task;
  const int64_t bytes;
  std::atomic<bool> begun{false};
};

PartReader::PartReader(Env& env, const Checkpoint& checkpoint, std::vector<StoredPart> parts)
    : env_(env),
      checkpoint_(std::make_shared<const Checkpoint>(checkpoint)),
      parts_(std::move(parts)) {}

Result<std::string> PartReader::Next() {
  ReadAhead();
  const std::shared_ptr<Read> read = std::move(ahead_.front());
  ahead_.pop_front();
  ahead_bytes_ -= read->bytes;
  read->Begin();
  return read->task.get_future().get();
}

void PartReader::ReadAhead() {
  while (begun_ < parts_.size() && (ahead_.empty() || ahead_bytes_ < kAheadBytes)) {
    const StoredPart& part = parts_[begun_++];
    std::packaged_task<Result<std::string>()> task(
        [&files = env_.files(), checkpoint = checkpoint_, part] {
          return ReadPart(files, *checkpoint, part);
        });
    ahead_.push_back(std::make_shared<Read>(std::move(task), part.length));
    ahead_bytes_ += part.length;
    if (part.length < kWorthAThread) continue;
    env_.Execute([read = ahead_.back()] { read->Begin(); });
  }
}

}  // namespace millrace
