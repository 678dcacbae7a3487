#pragma once

#include <string>
#include <vector>

#include "plan/physical_plan.h"
#include "sql/context.h"

namespace millrace::sql {

/// A compiled job and what the user should know about it.
struct PlannedJob {
  PhysicalPlan plan;
  Schema result;  ///< of a query
  ChangelogMode result_changelog = ChangelogMode::kAppend;
};

/// One job of one or more INSERT statements. Tables and views that several of them read are read
/// once.
Result<PlannedJob> PlanInserts(const PlannerContext& context,
                               const std::vector<const syntax::Insert*>& inserts);

/// A query whose rows go to the receiver of that name (`Services::receiver`).
Result<PlannedJob> PlanQuery(const PlannerContext& context, const syntax::Query& query,
                             const std::string& receiver);

/// Checks a definition and resolves its types: what the catalog keeps.
Result<Table> DefineTable(const PlannerContext& context, const syntax::CreateTable& statement);
Result<View> DefineView(const PlannerContext& context, const syntax::CreateView& statement);
/// A model as its statement declares it: options checked, INPUT and OUTPUT empty where they are
/// left out.
Result<Model> DeclareModel(const PlannerContext& context, const syntax::CreateModel& statement);
/// `provider` describes the model where INPUT or OUTPUT are left out, or are to be checked: see
/// `ModelProviderSpec::describe`; it may block.
Result<Model> DefineModel(const PlannerContext& context, const syntax::CreateModel& statement,
                          Services& services);

/// The statement that would create the object again: for SHOW CREATE. Secrets are redacted.
Result<std::string> ShowCreate(const Table& table);
Result<std::string> ShowCreate(const View& view);
Result<std::string> ShowCreate(const Model& model, const Registries& registries);

}  // namespace millrace::sql
