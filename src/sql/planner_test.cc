#include "sql/planner_fixture.h"

namespace millrace::sql {
namespace {

TEST_F(PlannerTest, ReadsOnlyTheColumnsThatAreUsed) {
  EXPECT_EQ(Plan("SELECT id FROM tx WHERE amount > 10"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[id, amount] from memory\n"
            "  calc: where amount > 10; select id\n"
            "  collect: the query's result\n");
}

TEST_F(PlannerTest, MergesViewsIntoOneCalcAndComputesSharedPartsOnce) {
  Define("CREATE VIEW v1 AS SELECT id, amount * 2 AS x FROM tx WHERE id > 3");
  Define("CREATE VIEW v2 AS SELECT id, x + x AS y FROM v1 WHERE x > 1");
  EXPECT_EQ(Plan("SELECT y FROM v2"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[id, amount] from memory\n"
            "  calc: let #0 = amount * 2; where id > 3 AND #0 > 1; "
            "select #0 + #0 AS y\n"
            "  collect: the query's result\n");
}

TEST_F(PlannerTest, ModelCallRunsOnceAndBehindTheFiltersThatDoNotNeedIt) {  // T2
  EXPECT_EQ(Plan("INSERT INTO scores SELECT id, fraud(amount, country) AS score FROM tx "
                 "WHERE score > 0.8 AND amount > 100"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[id, country, amount] from memory\n"
            "  calc: where amount > 100; select id, country, amount\n"
            "  predict: fraud(amount, country) AS score by onnx\n"
            "  calc: where score > 0.8; select id, score\n"
            "  sink: scores[id, score] to memory\n");
}

TEST_F(PlannerTest, SeveralOutputsAreARow) {  // T2
  EXPECT_EQ(Plan("SELECT embed(country).label AS l, embed(country).weight AS w FROM tx"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[country] from memory\n"
            "  predict: embed(country) AS label, weight by onnx\n"
            "  calc: select label AS l, weight AS w\n"
            "  collect: the query's result\n");
}

TEST_F(PlannerTest, RowsOfASequenceGoToOneSubtask) {  // T7
  settings_["parallelism.default"] = "4";
  AddSequenceModel("chat", {{"x", SqlType::Double(), {}}, {"user", SqlType::String(), {}}}, {1});
  AddSequenceModel("constant", {{"x", SqlType::Double(), {}}}, {});
  const auto exchange = [&](const std::string& sql) {
    const auto job = TryPlan(sql);
    EXPECT_TRUE(job.ok()) << Describe(job.status());
    const PhysicalPlan& plan = job->plan;
    for (const Exchange& each : plan.exchanges) {
      const PlanNode& first = plan.stage(each.to)->chain.front();
      if (first.config->op() != PredictConfig::kOp) continue;
      std::string keys;
      const auto producer = plan.stage(each.from)->chain.back().ports[0].schema;
      for (const int key : each.keys) keys += " " + producer.column(key).name;
      return (each.partitioning == Partitioning::kHash ? "hash" : "other") + keys + " to " +
             std::to_string(plan.stage(each.to)->parallelism);
    }
    return std::string("none");
  };
  EXPECT_EQ(exchange("SELECT id, chat(amount, country) AS y FROM tx"), "hash country to 4");
  EXPECT_EQ(exchange("SELECT id, y FROM ML_PREDICT(TABLE tx, MODEL chat, DESCRIPTOR(amount, "
                     "country))"),
            "hash country to 4");
  EXPECT_EQ(exchange("SELECT id, constant(amount) AS y FROM tx"), "other to 1");
  EXPECT_EQ(exchange("SELECT id, fraud(amount, country) AS y FROM tx"), "none");
  EXPECT_THAT(PlanError("SELECT chat(amount, UPPER(country)) AS y FROM tx"),
              testing::HasSubstr("its argument must be a column"));
}

TEST_F(PlannerTest, ArraysGiveMicroBatches) {  // T13
  const auto job = TryPlan("SELECT fraud(ARRAY[amount], ARRAY[country]) AS s FROM tx");
  ASSERT_TRUE(job.ok()) << Describe(job.status());
  EXPECT_EQ(job->result.ToString(), "(`s` ARRAY<DOUBLE>)");
  EXPECT_THAT(PlanError("SELECT fraud(ARRAY[amount], country) FROM tx"),
              testing::HasSubstr("input `amount` of model 'fraud' needs DOUBLE"));
}

TEST_F(PlannerTest, ModelArgumentsByName) {  // T2
  EXPECT_EQ(Plan("SELECT fraud(country => country, amount => 1) AS s FROM tx"),
            Plan("SELECT fraud(1, country) AS s FROM tx"));
}

TEST_F(PlannerTest, MlPredictAddsColumnsAndRenamesClashes) {  // T3
  Define("CREATE VIEW scored AS SELECT id, amount, country, amount AS score FROM tx");
  EXPECT_EQ(Plan("SELECT * FROM ML_PREDICT(TABLE scored, MODEL fraud, DESCRIPTOR(amount, country), "
                 "MAP['output-mode', 'ALLOW_UNORDERED'])"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[id, country, amount] from memory\n"
            "  calc: select id, amount, country, amount AS score\n"
            "  predict: fraud(amount, country) AS score0 by onnx, unordered\n"
            "  collect: the query's result\n");
}

TEST_F(PlannerTest, ModelOverAggregates) {  // T2
  settings_["execution.runtime-mode"] = "batch";
  EXPECT_EQ(Plan("SELECT country, fraud(SUM(amount), country) AS s FROM tx GROUP BY country"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[country, amount] from memory\n"
            "  aggregate: by country: SUM(amount) (final)\n"
            "  predict: fraud($0, country) AS score by onnx\n"
            "  calc: select country, score AS s\n"
            "  collect: the query's result\n");
}

TEST_F(PlannerTest, ParallelAggregationGoesThroughAHashExchange) {
  settings_["parallelism.default"] = "4";
  EXPECT_EQ(Plan("INSERT INTO totals SELECT country, SUM(amount) FROM tx GROUP BY country HAVING "
                 "COUNT(*) > 1"),
            "Stage 0  (parallelism 4)\n"
            "  source: tx[country, amount] from memory\n"
            "  -> stage 1 by hash(country)\n"
            "Stage 1  (parallelism 4)\n"
            "  aggregate: by country: SUM(amount), COUNT(*) (changelog)\n"
            "  calc: where $1 > 1; select country, $0 AS total\n"
            "  sink: totals[country, total] to changes\n");
}

TEST_F(PlannerTest, TwoPhasesWhereTheSettingSaysSoOrThereAreNoKeys) {
  settings_["parallelism.default"] = "4";
  settings_["execution.runtime-mode"] = "batch";
  EXPECT_EQ(Plan("INSERT INTO scores SELECT COUNT(*), SUM(amount) FROM tx HAVING COUNT(*) > 1000"),
            "Stage 0  (parallelism 4)\n"
            "  source: tx[amount] from memory\n"
            "  aggregate: over everything: COUNT(*), SUM(amount) (final, local)\n"
            "  -> stage 1 by rebalance\n"
            "Stage 1  (parallelism 1)\n"
            "  aggregate: over everything (final, global)\n"
            "  calc: where $0 > 1000; select $0 AS id, $1 AS score\n"
            "  sink: scores[id, score] to memory\n");
  settings_["execution.runtime-mode"] = "streaming";
  settings_["table.optimizer.agg-phase-strategy"] = "TWO_PHASE";
  EXPECT_EQ(Plan("INSERT INTO totals SELECT country, SUM(amount) FROM tx GROUP BY country"),
            "Stage 0  (parallelism 4)\n"
            "  source: tx[country, amount] from memory\n"
            "  aggregate: by country: SUM(amount) (changelog, local)\n"
            "  -> stage 1 by hash(country)\n"
            "Stage 1  (parallelism 4)\n"
            "  aggregate: by country (changelog, global)\n"
            "  calc: select country, $0 AS total\n"
            "  sink: totals[country, total] to changes\n");
  EXPECT_EQ(
      Plan("INSERT INTO totals SELECT country, COUNT(DISTINCT amount) FROM tx GROUP BY country")
          .find("local"),
      std::string::npos);
}

TEST_F(PlannerTest, OneJobReadsASharedTableOnce) {
  const std::string plan = Plan(
      "EXECUTE STATEMENT SET BEGIN "
      "INSERT INTO scores SELECT id, amount FROM tx; "
      "INSERT INTO scores SELECT id, amount * 2 FROM tx; "
      "INSERT INTO scores SELECT `position`, 0.0 FROM tx$rejected; END");
  EXPECT_EQ(plan,
            "Stage 0  (parallelism 1)\n"
            "  source: tx[id, country, amount, items, ts] from memory\n"
            "  -> stage 1 by forward\n"
            "  -> stage 2 by forward\n"
            "  -> stage 3 by forward, the rejected rows of 'tx/source'\n"
            "Stage 1  (parallelism 1)\n"
            "  calc: select id, amount AS score\n"
            "  sink: scores[id, score] to memory\n"
            "Stage 2  (parallelism 1)\n"
            "  calc: select id, amount * 2 AS score\n"
            "  sink: scores[id, score] to memory\n"
            "Stage 3  (parallelism 1)\n"
            "  calc: select position AS id, CAST(0.0 AS DOUBLE) AS score\n"
            "  sink: scores[id, score] to memory\n");
}

TEST_F(PlannerTest, FailedRowsOfAModelAreATable) {  // T9
  Define("CREATE VIEW scored AS SELECT id, fraud(amount, country) AS score FROM tx");
  EXPECT_EQ(Plan("EXECUTE STATEMENT SET BEGIN INSERT INTO scores SELECT id, score FROM scored; "
                 "INSERT INTO totals SELECT cause, amount FROM scored$failed; END"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[id, country, amount, items, ts] from memory\n"
            "  predict: fraud(amount, country) AS score by onnx\n"
            "  calc: select id, score\n"
            "  sink: scores[id, score] to memory\n"
            "  -> stage 1 by forward, the failed rows of 'scored/predict(fraud)'\n"
            "Stage 1  (parallelism 1)\n"
            "  calc: select cause AS country, amount AS total\n"
            "  sink: totals[country, total] to changes\n");
}

TEST_F(PlannerTest, UnionsAndUnnest) {
  EXPECT_EQ(
      Plan("SELECT id, sku FROM tx CROSS JOIN UNNEST(items) AS i (sku, n) UNION ALL SELECT 1, 'x'"),
      "Stage 0  (parallelism 1)\n"
      "  source: tx[id, items] from memory\n"
      "  unnest: items AS (sku, n)\n"
      "  calc: select id, sku\n"
      "  -> stage 2 by forward\n"
      "Stage 1  (parallelism 1)\n"
      "  values: 1 row (`$dummy` BOOLEAN)\n"
      "  calc: select CAST(1 AS BIGINT) AS id, 'x' AS sku\n"
      "  -> stage 2 by forward\n"
      "Stage 2  (parallelism 1)\n"
      "  collect: the query's result\n");
}

TEST_F(PlannerTest, LikeTakesOverWhatItsRulesSay) {
  Define(
      "CREATE TABLE a (x INT, y AS x + 1, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' "
      "SECOND) "
      "WITH ('connector' = 'memory', 'rows' = '1')");
  Define("CREATE TABLE b (z STRING) WITH ('rows' = '2') LIKE a (EXCLUDING WATERMARKS)");
  const auto b = catalog_.FindTable("b");
  EXPECT_EQ(b->schema().ToString(), "(`x` INT, `y` INT, `ts` TIMESTAMP(3), `z` STRING)");
  EXPECT_FALSE(b->watermark.has_value());
  EXPECT_EQ(b->options.at("rows"), "2");
  EXPECT_NE(
      Describe(TryDefine("CREATE TABLE c (x INT) LIKE a")).find("column 'x' is in both tables"),
      std::string::npos);
}

TEST_F(PlannerTest, ErrorsSayWhereAndWhatNext) {
  const struct {
    const char* sql;
    const char* says;
  } cases[] = {
      {"SELECT amuont FROM tx", "no column 'amuont'\n  at 1:8\n  hint: did you mean 'amount'?"},
      {"SELECT id FROM txx", "no table or view 'txx'\n  at 1:16\n  hint: did you mean 'tx'?"},
      {"SELECT t.idd FROM tx AS t",
       "'t' has no column 'idd'\n  at 1:10\n  hint: did you mean 'id'?"},
      {"SELECT UPER(country) FROM tx",
       "no function or model 'UPER'\n  at 1:8\n  hint: did you mean 'UPPER'?"},
      {"SELECT fraud(country, country) FROM tx",
       "input `amount` of model 'fraud' needs DOUBLE, but this is STRING\n  at 1:14\n  hint: write "
       "CAST(… AS DOUBLE)"},
      {"SELECT fraud(amount) FROM tx", "model 'fraud' takes 2 arguments, but 1 are given"},
      {"SELECT country FROM tx WHERE amount", "WHERE needs a BOOLEAN, but this is DOUBLE"},
      {"SELECT country, SUM(amount) FROM tx GROUP BY id",
       "column 'country' is neither in GROUP BY nor inside"},
      {"SELECT id FROM tx WHERE SUM(amount) > 1", "the aggregate SUM cannot stand in WHERE"},
      {"SELECT id FROM tx ORDER BY id",
       "ORDER BY without LIMIT on a stream is parsed but cannot be planned yet\n  at 1:28"},
      {"SELECT id FROM tx JOIN scores ON TRUE", "a join other than CROSS JOIN UNNEST"},
      {"INSERT INTO scores SELECT id FROM tx",
       "the query gives 1 columns, but table 'scores' takes 2"},
      {"INSERT INTO scores SELECT id, country FROM tx",
       "column `score` of table 'scores' needs DOUBLE"},
      {"INSERT INTO scores SELECT COUNT(*), SUM(amount) FROM tx",
       "takes inserts only, but the query updates"},
      {"INSERT INTO scores (idd) SELECT id FROM tx", "has no column 'idd' to write"},
      {"SELECT id FROM tx /*+ OPTIONS('rwos'='3') */", "has no option 'rwos'"},
      {"SELECT id FROM tx$late", "'tx' has no side output 'late'\n  at 1:16\n  hint: "},
  };
  for (const auto& c : cases) {
    EXPECT_NE(PlanError(c.sql).find(c.says), std::string::npos) << c.sql << "\ngives\n"
                                                                << PlanError(c.sql);
  }
}

TEST_F(PlannerTest, DefinitionErrors) {
  const struct {
    const char* sql;
    const char* says;
  } cases[] = {
      {"CREATE TABLE t (a INT, a INT) WITH ('connector' = 'memory')",
       "column 'a' is declared twice"},
      {"CREATE TABLE t (a INT) WITH ('connector' = 'memroy')", "did you mean 'memory'?"},
      {"CREATE TABLE t (a INT) WITH ('connector' = 'memory', 'rows' = 'x')", "'rows'"},
      {"CREATE TABLE t (a INT, WATERMARK FOR a AS a) WITH ('connector' = 'memory')",
       "event time is a TIMESTAMP(3)"},
      {"CREATE TABLE t (a INT, PRIMARY KEY (b) NOT ENFORCED) WITH ('connector' = 'memory')",
       "no column 'b' for the primary key"},
      {"CREATE TABLE t (a INT, o BIGINT METADATA FROM 'ofset') WITH ('connector' = 'memory')",
       "has no metadata 'ofset'"},
      {"CREATE VIEW v (a, b) AS SELECT id FROM tx",
       "the view names 2 columns, but its query gives 1"},
  };
  for (const auto& c : cases) {
    const std::string said = Describe(TryDefine(c.sql));
    EXPECT_NE(said.find(c.says), std::string::npos) << c.sql << "\ngives\n" << said;
  }
}

TEST_F(PlannerTest, ShowCreateReadsBack) {
  Define(
      "CREATE TABLE shown (a INT NOT NULL COMMENT 'it''s', b AS a + 1, o BIGINT METADATA FROM "
      "'offset' VIRTUAL, "
      "ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (a) NOT "
      "ENFORCED) "
      "COMMENT 'c' WITH ('connector' = 'memory')");
  const auto table = catalog_.FindTable("shown");
  const auto text = ShowCreate(*table);
  ASSERT_TRUE(text.ok());
  Define(*text);
  EXPECT_EQ(*ShowCreate(*catalog_.FindTable("shown")), *text);
  EXPECT_EQ(catalog_.FindTable("shown")->schema(), table->schema());
}

}  // namespace
}  // namespace millrace::sql
