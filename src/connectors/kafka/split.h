#pragma once

#include <cstdint>
#include <limits>

#include "connectors/kafka/client.h"
#include "spi/source.h"

namespace millrace {

/// A partition, and how far it has been read.
struct KafkaSplit {
  static constexpr int64_t kEndless = std::numeric_limits<int64_t>::max();

  TopicPartition partition;
  int64_t offset = kKafkaBeginning;  ///< of the next record
  int64_t end = kEndless;            ///< records before this one are read

  Split ToSplit() const;
  static Result<KafkaSplit> From(const Split& split);
};

}  // namespace millrace
