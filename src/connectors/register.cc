#include "connectors/register.h"

#include "connectors/blackhole.h"
#include "connectors/datagen.h"
#include "connectors/filesystem.h"
#include "connectors/kafka/kafka.h"
#include "connectors/model_drift.h"
#include "connectors/model_history.h"
#include "connectors/model_statistics.h"
#include "connectors/nexmark.h"
#include "connectors/print.h"

namespace millrace {

void RegisterConnectors(Registry<ConnectorSpec>& connectors, std::ostream& out, std::ostream& err) {
  connectors.Add(BlackholeConnector());
  connectors.Add(DatagenConnector());
  connectors.Add(FilesystemConnector());
  const std::shared_ptr<Kafka> kafka = MakeRdKafka();
  connectors.Add(KafkaConnector(kafka));
  connectors.Add(UpsertKafkaConnector(kafka));
  connectors.Add(ModelDriftConnector());
  connectors.Add(ModelHistoryConnector());
  connectors.Add(ModelStatisticsConnector());
  connectors.Add(NexmarkConnector());
  connectors.Add(PrintConnector(out, err));
}

}  // namespace millrace
