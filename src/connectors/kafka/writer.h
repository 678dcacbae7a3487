#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "connectors/kafka/client.h"
#include "connectors/kafka/row_encoder.h"
#include "spi/connector.h"

namespace millrace {

/// The ways of 'sink.partitioner'.
class SinkPartitioner final : public KafkaPartitioner {
 public:
  SinkPartitioner(const std::string& kind, int subtask)
      : fixed_(kind == "fixed"), in_turn_(kind == "round-robin"), next_(subtask) {}

  int32_t Choose(bool, int32_t count) override {
    if (fixed_) return next_ % count;
    if (in_turn_)
      return static_cast<int32_t>(static_cast<uint32_t>(next_++) % static_cast<uint32_t>(count));
    return -1;
  }

 private:
  const bool fixed_, in_turn_;
  std::atomic<int32_t> next_;
};

/// What both writers are made of.
struct KafkaSinkParts {
  std::shared_ptr<Kafka> kafka;
  KafkaProperties properties;
  std::string topic;
  std::unique_ptr<KafkaRowEncoder> encoder;
  std::shared_ptr<SinkPartitioner> partitioner;
};

/// Sends rows as they come. `flushes`: a checkpoint waits for them.
Result<std::unique_ptr<SinkWriter>> MakeSendingWriter(KafkaSinkParts parts, bool flushes);

/// Keeps the rows of a checkpoint in it, and writes them in one transaction once it is complete.
/// `id`: of the transactions; of this run and subtask of the job only.
std::unique_ptr<SinkWriter> MakeTransactionWriter(KafkaSinkParts parts, std::string id, Env& env);

}  // namespace millrace
