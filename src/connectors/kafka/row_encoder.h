#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/settings.h"
#include "spi/connector.h"

namespace millrace {

/// Rows to messages. One thread.
class KafkaRowEncoder {
 public:
  static Result<std::unique_ptr<KafkaRowEncoder>> Make(const SinkRequest& request);

  /// One message a row. Of a changelog, -U is left out and -D becomes a message without a value.
  Status Encode(const Batch& batch, std::vector<KafkaMessage>* out);

 private:
  KafkaRowEncoder() = default;

  std::vector<int> key_columns_, value_columns_;
  std::shared_ptr<arrow::Schema> key_schema_, value_schema_;
  std::unique_ptr<Encoder> key_encoder_;  ///< null: messages have no key
  std::unique_ptr<Encoder> value_encoder_;
  int headers_column_ = -1;
  int timestamp_column_ = -1;
  std::vector<std::string> keys_, values_;
};

}  // namespace millrace
