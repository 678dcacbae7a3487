#pragma once

#include <memory>

#include "connectors/kafka/client.h"
#include "spi/connector.h"

namespace millrace {

/// The connector 'kafka': appends to topics and reads what was appended.
ConnectorSpec KafkaConnector(std::shared_ptr<Kafka> kafka);
/// The connector 'upsert-kafka': the newest record of a key is its row, one without a value
/// deletes it.
ConnectorSpec UpsertKafkaConnector(std::shared_ptr<Kafka> kafka);

/// librdkafka's clients, shared in the process.
std::shared_ptr<Kafka> MakeRdKafka();

Result<std::unique_ptr<SplitFinder>> MakeKafkaFinder(std::shared_ptr<Kafka> kafka,
                                                     const SourceRequest& request);
Result<std::unique_ptr<SourceReader>> MakeKafkaReader(std::shared_ptr<Kafka> kafka,
                                                      const SourceRequest& request);
Result<std::unique_ptr<SinkWriter>> MakeKafkaWriter(std::shared_ptr<Kafka> kafka,
                                                    const SinkRequest& request);

}  // namespace millrace
