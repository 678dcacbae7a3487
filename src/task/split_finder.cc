#include "spi/secret_text.h"
#include "task/stage_task.h"

namespace millrace {

Result<std::unique_ptr<SplitFinder>> MakeSplitFinder(const PlanNode& node, Services& services) {
  const auto* config = dynamic_cast<const SourceConfig*>(node.config.get());
  if (config == nullptr) return std::unique_ptr<SplitFinder>();
  ARROW_ASSIGN_OR_RAISE(ResolvedTable table, ResolveWithSecrets(services, config->table));
  if (table.connector->make_finder == nullptr) return std::unique_ptr<SplitFinder>();
  return table.connector->make_finder(
      {*config, std::move(table.options), table.format, std::move(table.format_options), services});
}

}  // namespace millrace
