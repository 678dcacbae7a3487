#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/kafka/client.h"

namespace millrace {

/// The rows of a checkpoint, as the snapshot keeps them until their transaction is committed.
struct KafkaTransaction {
  std::string id;          ///< transactional id; never that of another run or subtask
  int64_t checkpoint = 0;  ///< the marker: grows from one transaction of the id to the next
  std::vector<KafkaMessage> messages;

  int64_t bytes() const;
  std::string ToBytes() const;
  static Result<KafkaTransaction> FromBytes(std::string_view bytes);
};

}  // namespace millrace
