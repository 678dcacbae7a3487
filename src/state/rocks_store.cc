#include <algorithm>

#include "state/rocks_db.h"
#include "state/rocks_log.h"
#include "state/rocks_table.h"
#include "state/stored_state.h"

namespace millrace {

Result<std::unique_ptr<StateStore>> MakeRocksStateStore(NodeId node, std::vector<StateSpec> specs,
                                                        int subtask, int parallelism,
                                                        int max_parallelism,
                                                        const RocksOptions& options) {
  const auto tables = std::count_if(specs.begin(), specs.end(), [](const StateSpec& spec) {
    return spec.kind == StateKind::kTable;
  });
  const auto logs = std::count_if(specs.begin(), specs.end(), [](const StateSpec& spec) {
    return spec.kind == StateKind::kLog;
  });
  if (tables + logs == 0) {
    return MakeMemoryStateStore(std::move(node), std::move(specs), subtask, parallelism,
                                max_parallelism);
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<RocksDb> db, RocksDb::Open(options));
  // The other half is RocksDB's own.
  const int64_t per_table = options.memory_bytes / 2 / std::max<int64_t>(tables, 1);
  const Backend backend{[&](const StateSpec& spec, KeyGroupRange range, int groups) {
                          return RocksTable::Make(spec, range, groups, db, per_table);
                        },
                        [&](const StateSpec& spec, KeyGroupRange range, int groups) {
                          return RocksLog::Make(spec, range, groups, db);
                        },
                        [db] { return db->memory_bytes(); }};
  return MakeStore(std::move(node), std::move(specs), subtask, parallelism, max_parallelism,
                   backend);
}

}  // namespace millrace
