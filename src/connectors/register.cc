#include "connectors/register.h"

#include "connectors/blackhole.h"
#include "connectors/datagen.h"
#include "connectors/filesystem.h"
#include "connectors/nexmark.h"
#include "connectors/print.h"

namespace millrace {

void RegisterConnectors(Registry<ConnectorSpec>& connectors, std::ostream& out, std::ostream& err) {
  connectors.Add(BlackholeConnector());
  connectors.Add(DatagenConnector());
  connectors.Add(FilesystemConnector());
  connectors.Add(NexmarkConnector());
  connectors.Add(PrintConnector(out, err));
}

}  // namespace millrace
