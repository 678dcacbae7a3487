#include <algorithm>
#include <atomic>
#include <mutex>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/metrics.h"
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/row_decoder.h"
#include "connectors/kafka/settings.h"
#include "connectors/kafka/split.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// The reader's ready function, called from the client's threads.
class Bell {
 public:
  void Set(std::function<void()> ready) {
    std::lock_guard lock(mutex_);
    ready_ = std::move(ready);
  }
  void Ring() {
    std::lock_guard lock(mutex_);
    if (ready_) ready_();
  }

 private:
  std::mutex mutex_;
  std::function<void()> ready_;
};

struct ReadPartition {
  std::string id;
  KafkaSplit split;
  bool paused = false;
  std::unique_ptr<KafkaPartition> partition;
  /// Records may have arrived since the last fetch that found the queue empty.
  std::shared_ptr<std::atomic<bool>> ready = std::make_shared<std::atomic<bool>>(true);
  int64_t record_bytes = 100;  ///< of the last fetch, on average

  bool done() const { return split.end != KafkaSplit::kEndless && split.offset >= split.end; }
};

class KafkaReader final : public SourceReader {
 public:
  KafkaReader(const SourceRequest& request, std::shared_ptr<KafkaConsumer> consumer,
              std::unique_ptr<KafkaRowDecoder> decoder, bool commits)
      : env_(request.services.env()),
        table_(request.config.table.name),
        consumer_(std::move(consumer)),
        decoder_(std::move(decoder)),
        schema_(request.OutputSchema().ToArrow()),
        commits_(commits),
        ignored_(request.services.metrics().counter("source_parse_errors_ignored",
                                                    {{"table", table_}})) {}

  ~KafkaReader() override { bell_->Set(nullptr); }

  Status AddSplits(std::vector<Split> splits) override {
    for (const Split& given : splits) {
      ReadPartition active;
      active.id = given.id;
      ARROW_ASSIGN_OR_RAISE(active.split, KafkaSplit::From(given));
      if (!active.done()) {
        auto opened = consumer_->Read(active.split.partition, active.split.offset,
                                      [bell = bell_, ready = active.ready] {
                                        *ready = true;
                                        bell->Ring();
                                      });
        if (!opened.ok()) return WithPlace(opened.status(), {}, table_);
        active.partition = std::move(*opened);
      }
      splits_.push_back(std::move(active));
    }
    bell_->Ring();
    return Status::OK();
  }

  void NoMoreSplits() override {
    no_more_ = true;
    bell_->Ring();
  }

  void OnReady(std::function<void()> ready) override { bell_->Set(std::move(ready)); }

  void Pause(std::span<const std::string> splits, bool paused) override {
    for (auto& active : splits_) {
      if (std::find(splits.begin(), splits.end(), active.id) != splits.end())
        active.paused = paused;
    }
    if (!paused) bell_->Ring();
  }

  Result<Poll> PollNext(int64_t max_rows, int64_t max_bytes) override {
    Poll poll;
    // Each split in its turn, so that a busy one does not hold up the others.
    for (size_t tried = 0; tried < splits_.size(); ++tried) {
      if (next_ >= splits_.size()) next_ = 0;
      ReadPartition& active = splits_[next_++];
      if (active.paused || !(active.done() || active.ready->load())) continue;
      ARROW_ASSIGN_OR_RAISE(const bool any, Take(active, max_rows, max_bytes, &poll));
      if (!any) continue;
      if (poll.split_finished) splits_.erase(splits_.begin() + static_cast<int64_t>(--next_));
      return poll;
    }
    if (splits_.empty() && no_more_) poll.kind = Poll::Kind::kFinished;
    return poll;
  }

  Result<std::vector<Split>> Snapshot() override {
    std::vector<Split> splits;
    positions_.clear();
    for (const auto& active : splits_) {
      splits.push_back({active.id, active.split.ToSplit().position});
      if (active.split.offset >= 0) positions_[active.split.partition] = active.split.offset;
    }
    for (const auto& [partition, offset] : finished_) positions_[partition] = offset;
    return splits;
  }

  // One checkpoint is under way at a time: the newest snapshot is its own.
  void OnCheckpointComplete(CheckpointId) override {
    if (commits_ && !positions_.empty()) consumer_->Commit(positions_);
  }

 private:
  /// False where the split has nothing to tell.
  Result<bool> Take(ReadPartition& active, int64_t max_rows, int64_t max_bytes, Poll* poll) {
    KafkaSplit& split = active.split;
    if (!active.done()) {
      const int64_t wanted = std::clamp<int64_t>(max_bytes / active.record_bytes, 1, max_rows);
      // Before the fetch: what arrives during it sets it again.
      active.ready->store(false);
      auto fetched = active.partition->Fetch(wanted);
      if (!fetched.ok()) return WithPlace(fetched.status(), {}, active.id);
      const bool any = fetched->records && !fetched->records->records().empty();
      if (any) {
        active.ready->store(true);
        ARROW_RETURN_NOT_OK(Decode(active, *fetched->records, poll));
      }
      split.offset = std::max(split.offset, fetched->next_offset);
      if (!any && !active.done()) return false;
    }
    poll->kind = Poll::Kind::kRows;
    poll->split = active.id;
    if (!poll->rows.rows) {
      ARROW_ASSIGN_OR_RAISE(poll->rows.rows, arrow::RecordBatch::MakeEmpty(schema_));
    }
    poll->split_finished = active.done();
    if (poll->split_finished) finished_[split.partition] = split.offset;
    return true;
  }

  Status Decode(ReadPartition& active, KafkaRecords& fetched, Poll* poll) {
    fetched.CutBefore(active.split.end);
    const auto& records = fetched.records();
    if (records.empty()) return Status::OK();
    int64_t bytes = 0;
    for (const auto& record : records) {
      bytes +=
          static_cast<int64_t>(record.key.value_or("").size() + record.value.value_or("").size());
    }
    active.record_bytes = std::max<int64_t>(1, bytes / static_cast<int64_t>(records.size()));
    auto decoded = decoder_->Decode(fetched, active.split.partition);
    if (!decoded.ok()) return WithPlace(decoded.status(), {}, active.id);
    poll->rows = std::move(decoded->rows);
    poll->rows.ingest_us = env_.NowMicros();
    if (!decoded->rejected.empty()) {
      ARROW_ASSIGN_OR_RAISE(poll->rejected, MakeRejected(decoded->rejected));
    }
    if (decoded->ignored > 0) ignored_->Add(decoded->ignored);
    return Status::OK();
  }

  Env& env_;
  const std::string table_;
  const std::shared_ptr<KafkaConsumer> consumer_;
  const std::unique_ptr<KafkaRowDecoder> decoder_;
  const std::shared_ptr<arrow::Schema> schema_;
  const bool commits_;
  const std::shared_ptr<Counter> ignored_;
  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::vector<ReadPartition> splits_;
  size_t next_ = 0;  ///< whose turn it is
  bool no_more_ = false;
  std::map<TopicPartition, int64_t> finished_;   ///< where bounded splits ended
  std::map<TopicPartition, int64_t> positions_;  ///< of the newest snapshot
};

}  // namespace

Result<std::unique_ptr<SourceReader>> MakeKafkaReader(std::shared_ptr<Kafka> kafka,
                                                      const SourceRequest& request) {
  const auto properties = PropertiesOf(request.options);
  ARROW_ASSIGN_OR_RAISE(auto decoder, KafkaRowDecoder::Make(request));
  ARROW_ASSIGN_OR_RAISE(auto consumer, kafka->Consumer(properties));
  return std::make_unique<KafkaReader>(request, std::move(consumer), std::move(decoder),
                                       properties.contains("group.id"));
}

}  // namespace millrace
