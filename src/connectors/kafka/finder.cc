#include <algorithm>
#include <regex>
#include <set>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/suggest.h"
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/settings.h"
#include "connectors/kafka/split.h"
#include "spi/services.h"
#include "types/value_text.h"

namespace millrace {
namespace {

/// A mode of 'scan.startup.' or 'scan.bounded.'.
struct ScanMode {
  std::string mode;
  int64_t timestamp_ms = 0;
  std::map<int32_t, int64_t> specific;

  static Result<ScanMode> Of(const Options& options, const std::string& prefix) {
    ScanMode mode{options.String(prefix + "mode"), options.Int(prefix + "timestamp-millis"), {}};
    ARROW_ASSIGN_OR_RAISE(mode.specific,
                          ParseSpecificOffsets(prefix + "specific-offsets",
                                               options.String(prefix + "specific-offsets")));
    return mode;
  }
};

/// After a look that failed, where the interval is longer.
constexpr int64_t kRetryFindMicros = 10'000'000;

class KafkaFinder final : public SplitFinder {
 public:
  KafkaFinder(std::shared_ptr<Kafka> kafka, std::shared_ptr<KafkaConsumer> consumer,
              std::string reset, const Options& options, ScanMode start, ScanMode end)
      : kafka_(std::move(kafka)),
        consumer_(std::move(consumer)),
        reset_(std::move(reset)),
        topics_(SplitList(options.String("topic"))),
        start_(std::move(start)),
        end_(std::move(end)),
        bounded_(end_.mode != "unbounded"),
        interval_us_(bounded_ ? 0
                              : options.DurationMicros("scan.topic-partition-discovery.interval")) {
    if (topics_.empty()) pattern_ = options.String("topic-pattern");
  }

  Status Open(const std::string& state, int, Env&) override {
    if (state.empty()) return Status::OK();
    const auto json = nlohmann::json::parse(state, nullptr, false);
    if (!json.is_array()) return Error::Data("the partitions of the snapshot cannot be read");
    for (const auto& partition : json) known_.insert(partition.get<std::string>());
    restored_ = true;
    return Status::OK();
  }

  Result<std::vector<Split>> NewSplits() override {
    std::vector<Split> splits;
    int64_t again_us = interval_us_;
    // All of a bounded job were found before; others are looked for again.
    if (!(restored_ && bounded_)) {
      auto found = Find();
      if (!found.ok()) {
        if (first_ && !restored_) return found.status();
        Log(LogLevel::kWarn, "kafka", "no look for new partitions; it will be tried again",
            {{"error", found.status().message()}});
        again_us = std::min(again_us, kRetryFindMicros);
      } else {
        splits = std::move(*found);
      }
    }
    first_ = false;
    if (interval_us_ > 0) {
      kafka_->CallAfter(again_us, [ready = ready_] {
        if (*ready) (*ready)();
      });
    }
    return splits;
  }

  bool finished() const override { return !first_ && interval_us_ == 0; }
  void OnReady(std::function<void()> ready) override { *ready_ = std::move(ready); }
  Result<std::string> Snapshot() override { return nlohmann::json(known_).dump(); }

 private:
  Result<std::vector<Split>> Find() {
    ARROW_ASSIGN_OR_RAISE(const auto topics, Topics());
    std::vector<TopicPartition> added;
    for (const auto& [topic, count] : topics) {
      for (int32_t i = 0; i < count; ++i) {
        if (TopicPartition partition{topic, i}; !known_.contains(partition.ToString())) {
          added.push_back(std::move(partition));
        }
      }
    }
    // What comes up later is read from its beginning, whatever the start was.
    const bool later = restored_ || !first_;
    std::vector<int64_t> starts(added.size(), kKafkaBeginning);
    if (!later) {
      ARROW_ASSIGN_OR_RAISE(starts, Resolve(start_, added));
    }
    std::vector<int64_t> ends(added.size(), KafkaSplit::kEndless);
    if (bounded_) {
      ARROW_ASSIGN_OR_RAISE(ends, Resolve(end_, added));
    }
    std::vector<Split> splits;
    for (size_t i = 0; i < added.size(); ++i) {
      known_.insert(added[i].ToString());
      splits.push_back(KafkaSplit{added[i], starts[i], ends[i]}.ToSplit());
    }
    return splits;
  }

  Result<std::map<std::string, int32_t>> Topics() {
    ARROW_ASSIGN_OR_RAISE(auto found, consumer_->Topics(topics_));
    if (topics_.empty()) {
      const std::regex pattern(pattern_);
      std::erase_if(found, [&](const auto& topic) {
        return topic.first.starts_with("__") || !std::regex_match(topic.first, pattern);
      });
      return found;
    }
    for (const auto& topic : topics_) {
      if (found.contains(topic)) continue;
      std::vector<std::string> names;
      if (const auto all = consumer_->Topics({}); all.ok()) {
        for (const auto& [name, count] : *all) names.push_back(name);
      }
      const std::string hint = Suggest(topic, names);
      return Error::User("there is no topic '" + topic + "'")
          .Hint(hint.empty() ? "create it, or check 'properties.bootstrap.servers'" : hint);
    }
    return found;
  }

  Result<std::vector<int64_t>> Resolve(const ScanMode& scan,
                                       const std::vector<TopicPartition>& partitions) {
    if (scan.mode == "earliest-offset") {
      return std::vector<int64_t>(partitions.size(), kKafkaBeginning);
    }
    if (scan.mode == "latest-offset") {
      return consumer_->Offsets(KafkaOffsetKind::kLatest, 0, partitions);
    }
    std::vector<int64_t> offsets(partitions.size(), kKafkaNoOffset);
    std::string otherwise = "latest";
    if (scan.mode == "specific-offsets") {
      for (size_t i = 0; i < partitions.size(); ++i) {
        const auto at = scan.specific.find(partitions[i].partition);
        if (at != scan.specific.end()) offsets[i] = at->second;
      }
      // As with a group that has none for the partition.
      otherwise = reset_.empty() ? "earliest" : reset_;
    } else if (scan.mode == "timestamp") {
      ARROW_ASSIGN_OR_RAISE(
          offsets, consumer_->Offsets(KafkaOffsetKind::kTimestamp, scan.timestamp_ms, partitions));
    } else {
      ARROW_ASSIGN_OR_RAISE(offsets,
                            consumer_->Offsets(KafkaOffsetKind::kCommitted, 0, partitions));
      otherwise = reset_;
    }
    ARROW_RETURN_NOT_OK(FillIn(otherwise, partitions, &offsets));
    return offsets;
  }

  Status FillIn(const std::string& otherwise, const std::vector<TopicPartition>& partitions,
                std::vector<int64_t>* offsets) {
    std::vector<TopicPartition> open;
    for (size_t i = 0; i < partitions.size(); ++i) {
      if ((*offsets)[i] < 0) open.push_back(partitions[i]);
    }
    if (open.empty()) return Status::OK();
    if (otherwise != "earliest" && otherwise != "latest") {
      return Error::User("the group has no offset for '" + open[0].ToString() + "'")
          .Hint(
              "set 'properties.auto.offset.reset' to 'earliest' or 'latest', or choose another "
              "'scan.startup.mode'");
    }
    ARROW_ASSIGN_OR_RAISE(const auto found,
                          consumer_->Offsets(otherwise == "latest" ? KafkaOffsetKind::kLatest
                                                                   : KafkaOffsetKind::kEarliest,
                                             0, open));
    size_t next = 0;
    for (int64_t& offset : *offsets) {
      if (offset < 0) offset = found[next++];
    }
    return Status::OK();
  }

  const std::shared_ptr<Kafka> kafka_;
  const std::shared_ptr<KafkaConsumer> consumer_;
  const std::string reset_;
  const std::vector<std::string> topics_;
  std::string pattern_;
  const ScanMode start_, end_;
  const bool bounded_;
  const int64_t interval_us_;
  std::set<std::string> known_;
  bool restored_ = false;
  bool first_ = true;
  /// Shared with alarms that may outlive the finder; set once, before the first of them.
  std::shared_ptr<std::function<void()>> ready_ = std::make_shared<std::function<void()>>();
};

}  // namespace

Split KafkaSplit::ToSplit() const {
  return {partition.ToString(), std::to_string(offset) + ' ' + std::to_string(end)};
}

Result<KafkaSplit> KafkaSplit::From(const Split& split) {
  const size_t slash = split.id.rfind('/');
  const size_t space = split.position.find(' ');
  KafkaSplit out;
  int64_t partition = 0;
  if (slash != std::string::npos && space != std::string::npos &&
      ParseInteger(std::string_view(split.id).substr(slash + 1), 0, INT32_MAX, &partition) &&
      ParseInteger(std::string_view(split.position).substr(0, space), kKafkaBeginning, INT64_MAX,
                   &out.offset) &&
      ParseInteger(std::string_view(split.position).substr(space + 1), -1, INT64_MAX, &out.end)) {
    out.partition = {split.id.substr(0, slash), static_cast<int32_t>(partition)};
    return out;
  }
  return Error::Data("the position of a partition cannot be read: '" + split.id + "'");
}

Result<std::unique_ptr<SplitFinder>> MakeKafkaFinder(std::shared_ptr<Kafka> kafka,
                                                     const SourceRequest& request) {
  auto properties = PropertiesOf(request.options);
  ARROW_ASSIGN_OR_RAISE(auto start, ScanMode::Of(request.options, "scan.startup."));
  ARROW_ASSIGN_OR_RAISE(auto end, ScanMode::Of(request.options, "scan.bounded."));
  if (IsUpsert(request.config.table)) start.mode = "earliest-offset";
  if (const std::string pattern = request.options.String("topic-pattern"); !pattern.empty()) {
    try {
      std::regex check(pattern);
    } catch (const std::regex_error& e) {
      return Error::User("'topic-pattern' is no regular expression: " + std::string(e.what()))
          .In(request.config.table.name);
    }
  }
  const std::string reset = properties["auto.offset.reset"];
  if (reset.empty()) properties.erase("auto.offset.reset");
  ARROW_ASSIGN_OR_RAISE(auto consumer, kafka->Consumer(properties));
  return std::make_unique<KafkaFinder>(std::move(kafka), std::move(consumer), reset,
                                       request.options, std::move(start), std::move(end));
}

}  // namespace millrace
