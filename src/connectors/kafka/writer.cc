#include "connectors/kafka/writer.h"

#include "base/log.h"
#include "connectors/kafka/kafka.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// A text that no other run has.
std::string RunName(Env& env) {
  constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuv";
  std::string name;
  for (uint64_t random = env.Random(); name.size() < 12; random >>= 5) {
    name += kDigits[random & 31];
  }
  return name;
}

}  // namespace

Result<std::unique_ptr<SinkWriter>> MakeKafkaWriter(std::shared_ptr<Kafka> kafka,
                                                    const SinkRequest& request) {
  const Options& options = request.options;
  const std::string topic = options.String("topic");
  if (topic.empty() || topic.find(';') != std::string::npos) {
    return Error::User("a sink writes to one topic")
        .In(request.config.table.name)
        .Hint("'topic' = 'name'");
  }
  KafkaSinkParts parts;
  parts.kafka = std::move(kafka);
  parts.topic = topic;
  parts.properties = PropertiesOf(options);
  ARROW_ASSIGN_OR_RAISE(parts.encoder, KafkaRowEncoder::Make(request));
  parts.partitioner =
      std::make_shared<SinkPartitioner>(options.String("sink.partitioner"), request.subtask);
  const std::string guarantee = options.String("sink.delivery-guarantee");
  if (guarantee != "exactly-once") {
    return MakeSendingWriter(std::move(parts), guarantee == "at-least-once");
  }
  // An id of its own for each run and subtask: who recovers its rows may shut it out without
  // hurting the run that goes on.
  Env& env = request.services.env();
  std::string id = options.String("sink.transactional-id-prefix") + '-' + RunName(env) + '-' +
                   std::to_string(request.subtask);
  return MakeTransactionWriter(std::move(parts), std::move(id), env);
}

}  // namespace millrace
