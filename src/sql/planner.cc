#include "sql/planner.h"

#include "base/options.h"
#include "sql/optimizer.h"
#include "sql/query_binder.h"
#include "sql/stages.h"
#include "sql/table_binder.h"
#include "types/key_group.h"

namespace millrace::sql {
namespace {

Result<int> PositiveSetting(const PlannerContext& context, const std::string& key, int fallback) {
  const std::string text = context.Setting(key, std::to_string(fallback));
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (*end == '\0' && value >= 1 && value <= 32768) return static_cast<int>(value);
  return Error::User("'" + key + "' is '" + text + "', which is no number from 1 to 32768")
      .Hint("SET '" + key + "' = '4'");
}

Result<PhysicalPlan> Compile(const PlannerContext& context, std::vector<LogicalNodePtr> sinks) {
  ARROW_ASSIGN_OR_RAISE(const int parallelism, PositiveSetting(context, "parallelism.default", 1));
  ARROW_ASSIGN_OR_RAISE(
      const int max_parallelism,
      PositiveSetting(context, "pipeline.max-parallelism", DefaultMaxParallelism(parallelism)));
  sinks = SplitAggregations(MergeCalcs(PruneColumns(sinks)), context, parallelism);
  PhysicalPlan plan = CutStages(sinks, parallelism, max_parallelism, context.settings);
  ARROW_RETURN_NOT_OK(Validate(plan));
  return plan;
}

}  // namespace

Result<PlannedJob> PlanInserts(const PlannerContext& context,
                               const std::vector<const syntax::Insert*>& inserts) {
  QueryBinder binder(context);
  std::vector<LogicalNodePtr> sinks;
  for (const auto* insert : inserts) {
    const Position at = insert->table.position();
    if (insert->overwrite) return NotPlanned("INSERT OVERWRITE", at);
    if (!insert->partition.empty()) return NotPlanned("PARTITION", at);
    ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(insert->table));
    const auto table = context.catalog.FindTable(name);
    if (table == nullptr && context.catalog.FindView(name) != nullptr) {
      return Error::User("'" + name + "' is a view: it cannot be written").At(at);
    }
    if (table == nullptr) return UnknownObject("table", name, context.catalog.TableNames(), at);
    ARROW_ASSIGN_OR_RAISE(auto rows, binder.Bind(*insert->query, name));
    ARROW_ASSIGN_OR_RAISE(auto sink, BindSink(context, binder.nodes(), *table, insert->columns,
                                              insert->hints, std::move(rows), at));
    sinks.push_back(std::move(sink));
  }
  ARROW_RETURN_NOT_OK(binder.CheckRunnable(sinks));
  PlannedJob job;
  ARROW_ASSIGN_OR_RAISE(job.plan, Compile(context, std::move(sinks)));
  return job;
}

Result<PlannedJob> PlanQuery(const PlannerContext& context, const syntax::Query& query,
                             const std::string& receiver) {
  QueryBinder binder(context);
  ARROW_ASSIGN_OR_RAISE(auto rows, binder.Bind(query, "query"));
  PlannedJob job;
  job.result = rows.schema();
  job.result_changelog = rows.plan().changelog;
  CollectConfig collect;
  collect.receiver = receiver;
  std::vector<LogicalNodePtr> sinks = {binder.nodes().Collect(std::move(rows), std::move(collect))};
  ARROW_RETURN_NOT_OK(binder.CheckRunnable(sinks));
  ARROW_ASSIGN_OR_RAISE(job.plan, Compile(context, std::move(sinks)));
  return job;
}

}  // namespace millrace::sql
