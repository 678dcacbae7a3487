#include <algorithm>
#include <charconv>
#include <limits>

#include "operators/make.h"

namespace millrace {
namespace {

/// Without LIMIT: as many as can be counted.
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

constexpr uint64_t kSeen = 1;  ///< id of the only item: how many rows have come

/// OFFSET and LIMIT over an append-only stream, in one instance.
class Limit final : public Operator {
 public:
  explicit Limit(const LimitConfig& config)
      : offset_(config.offset),
        end_(config.offset + std::min(config.limit, kMost - config.offset)) {}

  std::vector<StateSpec> States() const override {
    StateSpec seen;
    seen.name = "seen";
    seen.kind = StateKind::kItems;
    return {seen};
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    return context.items(0).ForEach([this](uint64_t, const Batch&, const std::string& header) {
      std::from_chars(header.data(), header.data() + header.size(), seen_);
      return Status::OK();
    });
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    const int64_t from = std::clamp<int64_t>(offset_ - seen_, 0, batch.num_rows());
    const int64_t to = std::clamp<int64_t>(end_ - seen_, from, batch.num_rows());
    seen_ = std::min(seen_ + batch.num_rows(), end_);
    if (from < to) out.Emit(0, batch.Slice(from, to - from));
    return Status::OK();
  }

  Result<Step> Run(Collector&) override { return seen_ >= end_ ? Step::kFinished : Step::kIdle; }

  Status PrepareSnapshot(CheckpointId, Collector&) override {
    return context_->items(0).Put(kSeen, {}, std::to_string(seen_));
  }

 private:
  const int64_t offset_;
  const int64_t end_;
  OperatorContext* context_ = nullptr;
  int64_t seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeLimit(const OperatorRequest& request) {
  if (request.parallelism != 1) {
    return Error::Internal("LIMIT runs in one instance, not in " +
                           std::to_string(request.parallelism))
        .In(request.node.id);
  }
  return std::make_unique<Limit>(ConfigOf<LimitConfig>(request.node));
}

}  // namespace millrace
