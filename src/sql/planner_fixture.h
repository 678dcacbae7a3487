#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "functions/register.h"
#include "sql/planner.h"
#include "syntax/parser.h"

namespace millrace::sql {

/// A session without a runtime: connectors and models that are only declared.
class PlannerTest : public testing::Test {
 protected:
  PlannerTest() {
    RegisterFunctions(registries_);
    ConnectorSpec memory;
    memory.name = "memory";
    memory.options = {{.key = "rows", .type = OptionType::kInt, .doc = "How many."}};
    memory.metadata = {{"offset", SqlType::BigInt().AsNotNull(), "Place of the record."}};
    memory.bounded = [](const Options&) { return true; };
    memory.make_reader = [](const SourceRequest&) -> Result<std::unique_ptr<SourceReader>> {
      return nullptr;
    };
    memory.make_writer = [](const SinkRequest&) -> Result<std::unique_ptr<SinkWriter>> {
      return nullptr;
    };
    registries_.connectors.Add(memory);
    memory.name = "changes";
    memory.takes_changelog = true;
    registries_.connectors.Add(memory);
    Define(
        "CREATE TABLE tx (id BIGINT, country STRING, amount DOUBLE, items ARRAY<ROW<sku STRING, n "
        "INT>>, "
        "ts TIMESTAMP(3)) WITH ('connector' = 'memory')");
    Define("CREATE TABLE scores (id BIGINT, score DOUBLE) WITH ('connector' = 'memory')");
    Define("CREATE TABLE totals (country STRING, total DOUBLE) WITH ('connector' = 'changes')");
    AddModel("fraud", {{"amount", SqlType::Double(), {}}, {"country", SqlType::String(), {}}},
             {{"score", SqlType::Double(), {}}});
    AddModel("embed", {{"text", SqlType::String(), {}}},
             {{"label", SqlType::String(), {}}, {"weight", SqlType::Float(), {}}});
  }

  PlannerContext context() { return {catalog_, registries_, settings_}; }

  void AddModel(const std::string& name, std::vector<SqlField> input,
                std::vector<SqlField> output) {
    Model model;
    model.config = {name, "onnx", {}, Schema(std::move(input)), Schema(std::move(output))};
    ASSERT_TRUE(catalog_.Add(std::move(model), Catalog::OnExisting::kReplace).ok());
  }

  /// A model that keeps state by these columns of its input.
  void AddSequenceModel(const std::string& name, std::vector<SqlField> input,
                        std::vector<int> sequence_columns) {
    Model model;
    model.config = {name, "onnx", {}, Schema(std::move(input)), {}};
    model.config.output.Add("y", SqlType::Double());
    model.config.in_sequence = true;
    model.config.sequence_columns = std::move(sequence_columns);
    ASSERT_TRUE(catalog_.Add(std::move(model), Catalog::OnExisting::kReplace).ok());
  }

  Status TryDefine(const std::string& sql) {
    ARROW_ASSIGN_OR_RAISE(const auto statement, syntax::ParseStatement(sql));
    if (const auto* table = statement->As<syntax::CreateTable>()) {
      ARROW_ASSIGN_OR_RAISE(auto defined, DefineTable(context(), *table));
      return catalog_.Add(std::move(defined), Catalog::OnExisting::kReplace).status();
    }
    ARROW_ASSIGN_OR_RAISE(auto defined,
                          DefineView(context(), *statement->As<syntax::CreateView>()));
    return catalog_.Add(std::move(defined), Catalog::OnExisting::kReplace).status();
  }

  void Define(const std::string& sql) {
    const Status status = TryDefine(sql);
    ASSERT_TRUE(status.ok()) << Describe(status);
  }

  Result<PlannedJob> TryPlan(const std::string& sql) {
    ARROW_ASSIGN_OR_RAISE(const auto statement, syntax::ParseStatement(sql));
    if (const auto* query = statement->As<syntax::Selection>())
      return PlanQuery(context(), *query->query, "q");
    std::vector<const syntax::Insert*> inserts;
    if (const auto* insert = statement->As<syntax::Insert>()) inserts.push_back(insert);
    if (const auto* set = statement->As<syntax::StatementSet>()) {
      for (const auto& insert : set->inserts) inserts.push_back(insert->As<syntax::Insert>());
    }
    return PlanInserts(context(), inserts);
  }

  /// The plan's text; it must also survive JSON.
  std::string Plan(const std::string& sql) {
    auto job = TryPlan(sql);
    if (!job.ok()) return Describe(job.status());
    const auto again = PlanFromJson(ToJson(job->plan));
    EXPECT_TRUE(again.ok()) << Describe(again.status());
    EXPECT_EQ(again.ok() ? ToJson(*again) : "", ToJson(job->plan));
    return ToText(job->plan);
  }

  std::string PlanError(const std::string& sql) {
    const auto job = TryPlan(sql);
    EXPECT_FALSE(job.ok()) << sql;
    return job.ok() ? "" : Describe(job.status());
  }

  Registries registries_;
  Catalog catalog_;
  std::map<std::string, std::string> settings_;
};

}  // namespace millrace::sql
