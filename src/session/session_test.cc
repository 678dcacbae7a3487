#include "base/env.h"
#include "base/error.h"
#include <millrace/session.h>

namespace millrace {
namespace {

using testing::HasSubstr;

constexpr char kNumbers[] = R"(
  CREATE TABLE numbers (id BIGINT, v DOUBLE) WITH (
    'connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '1000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000');
  CREATE TABLE endless (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '0');
  CREATE TABLE nowhere (id BIGINT, v DOUBLE) WITH ('connector' = 'blackhole');
)";

/// T17: the public header, in one process.
class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    session_ = Session::Open().ValueOrDie();
    Run(kNumbers);
  }

  std::vector<StatementResult> Run(const std::string& sql) {
    auto results = session_->Execute(sql);
    EXPECT_TRUE(results.ok()) << ErrorText(results.status(), sql);
    return results.ok() ? *std::move(results) : std::vector<StatementResult>();
  }

  Status Fail(const std::string& sql) {
    const Status status = session_->Execute(sql).status();
    EXPECT_FALSE(status.ok()) << sql;
    return status;
  }

  /// Rows of SHOW and DESCRIBE, cells joined by '|'; NULL as "-".
  std::vector<std::string> Lines(const std::string& sql) {
    const auto results = Run(sql);
    if (results.size() != 1 || results[0].table == nullptr) return {"no table"};
    std::vector<std::string> lines(static_cast<size_t>(results[0].table->num_rows()));
    for (const auto& column : results[0].table->columns()) {
      const auto& cells = static_cast<const arrow::StringArray&>(*column);
      for (size_t row = 0; row < lines.size(); ++row) {
        const auto at = static_cast<int64_t>(row);
        lines[row] +=
            (lines[row].empty() ? "" : "|") + (cells.IsNull(at) ? "-" : cells.GetString(at));
      }
    }
    return lines;
  }

  std::unique_ptr<Session> session_;
};

TEST_F(SessionTest, AnInsertGivesAJobThatTellsWhatItDid) {
  const auto results = Run("INSERT INTO nowhere SELECT id, v FROM numbers WHERE id <= 10");
  ASSERT_EQ(results.size(), 1u);
  ASSERT_EQ(results[0].kind, StatementResult::Kind::kJob);
  const auto& job = results[0].job;
  ASSERT_TRUE(job->Wait().ok()) << ErrorText(job->Wait());
  EXPECT_EQ(job->status(), JobStatus::kFinished);
  EXPECT_EQ(job->name(), "insert-into_nowhere");
  const JobMetrics metrics = job->metrics();
  EXPECT_EQ(metrics.rows_read, 1000);
  EXPECT_EQ(metrics.rows_written, 10);
  EXPECT_EQ(metrics.rows_rejected, 0);
  EXPECT_GT(metrics.elapsed_us, 0);
  EXPECT_EQ(job->metrics().elapsed_us, metrics.elapsed_us) << "time goes on after the end";
}

TEST_F(SessionTest, AQueryGivesItsRowsAsArrow) {
  const auto result = session_->Query("SELECT id * 2 AS twice FROM numbers").ValueOrDie();
  EXPECT_TRUE(result->append_only());
  EXPECT_TRUE(result->bounded());
  EXPECT_EQ(result->schema()->field(0)->name(), "twice");
  const auto table = result->ToTable().ValueOrDie();
  EXPECT_EQ(table->num_rows(), 1000);
  EXPECT_EQ(result->Next().ValueOrDie().rows, nullptr);
}

TEST_F(SessionTest, AChangelogIsAppliedOrShownWithItsKinds) {
  const std::string sql = "SELECT COUNT(*) AS n FROM numbers";
  auto result = session_->Query(sql).ValueOrDie();
  EXPECT_FALSE(result->append_only());
  const auto table = result->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  ASSERT_EQ(table->num_rows(), 1);
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*table->column(0)).Value(0), 1000);

  auto reader = QueryResult::ToReader(session_->Query(sql).ValueOrDie()).ValueOrDie();
  EXPECT_EQ(reader->schema()->field(0)->name(), "op");
  const auto first = reader->Next().ValueOrDie();
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*first->column(0)).GetView(0), "+I");
}

TEST_F(SessionTest, AQueryThatIsNotReadWaits) {
  const auto result = session_->Query("SELECT id FROM endless").ValueOrDie();
  EXPECT_FALSE(result->bounded());
  ASSERT_NE(result->Next().ValueOrDie().rows, nullptr);
  // It stands still once its buffers are full, which takes as long as it takes.
  int64_t before = -1, now = 0;
  for (int i = 0; i < 100 && before != now; ++i) {
    EXPECT_FALSE(result->job().WaitFor(std::chrono::milliseconds(100)));
    before = now;
    now = result->job().metrics().rows_read;
  }
  EXPECT_EQ(before, now);
  result->Cancel();
  EXPECT_TRUE(result->job().Wait().IsCancelled());
}

TEST_F(SessionTest, JobsRunSideBySideAndStopWhenTold) {
  const auto jobs =
      Run("INSERT INTO nowhere SELECT id, 1.0E0 FROM endless;"
          "INSERT INTO nowhere SELECT id, 2.0E0 FROM endless");
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(Lines("SHOW JOBS").size(), 2u);
  EXPECT_EQ(jobs[0].job->status(), JobStatus::kRunning);
  jobs[0].job->Cancel();
  EXPECT_TRUE(jobs[0].job->Wait().IsCancelled());
  EXPECT_EQ(jobs[0].job->status(), JobStatus::kCancelled);
  EXPECT_EQ(jobs[1].job->status(), JobStatus::kRunning);
  Run("STOP JOB '" + jobs[1].job->id() + "'");
  EXPECT_TRUE(jobs[1].job->Wait().IsCancelled());
  EXPECT_EQ(DetailsOf(Fail("STOP JOB 'no-such'")).kind, ErrorDetails::Kind::kUser);
}

TEST_F(SessionTest, SeveralSessionsRunAtOnce) {
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::unique_ptr<QueryResult>> results;
  for (int i = 0; i < 4; ++i) {
    sessions.push_back(Session::Open().ValueOrDie());
    ASSERT_TRUE(sessions.back()->Execute(kNumbers).ok());
    results.push_back(sessions.back()->Query("SELECT id FROM numbers").ValueOrDie());
  }
  for (const auto& result : results) EXPECT_EQ(result->ToTable().ValueOrDie()->num_rows(), 1000);
}

TEST_F(SessionTest, AStatementSetIsOneJob) {
  const auto results =
      Run("EXECUTE STATEMENT SET BEGIN "
          "INSERT INTO nowhere SELECT id, v FROM numbers;"
          "INSERT INTO nowhere SELECT id, v FROM numbers WHERE id > 500; END");
  ASSERT_EQ(results.size(), 1u);
  ASSERT_TRUE(results[0].job->Wait().ok());
  EXPECT_EQ(results[0].job->metrics().rows_written, 1500);
}

TEST_F(SessionTest, APlanSavedAndLoadedRunsTheSame) {
  const std::string insert = "INSERT INTO nowhere SELECT id, v FROM numbers WHERE MOD(id, 7) = 0";
  const std::string json = session_->Plan(insert).ValueOrDie();
  const auto elsewhere = Session::Open().ValueOrDie();  // without the tables
  const auto loaded = elsewhere->RunPlan(json).ValueOrDie();
  ASSERT_TRUE(loaded.job->Wait().ok());
  const auto direct = Run(insert);
  ASSERT_TRUE(direct[0].job->Wait().ok());
  EXPECT_EQ(loaded.job->metrics().rows_written, direct[0].job->metrics().rows_written);
  EXPECT_EQ(loaded.job->metrics().rows_written, 142);

  const std::string query = session_->Plan("SELECT id FROM numbers WHERE id < 8").ValueOrDie();
  auto result = elsewhere->RunPlan(query).ValueOrDie();
  ASSERT_EQ(result.kind, StatementResult::Kind::kQuery);
  EXPECT_EQ(result.query->ToTable().ValueOrDie()->num_rows(), 7);

  EXPECT_FALSE(session_->Plan("SHOW TABLES").ok());
  EXPECT_FALSE(session_->Plan(insert + ";" + insert).ok());
  EXPECT_FALSE(elsewhere->RunPlan("{").ok());
}

TEST_F(SessionTest, ExplainAsTextAndAsJson) {
  const auto text = Run("EXPLAIN SELECT id FROM numbers WHERE id > 3");
  ASSERT_EQ(text[0].kind, StatementResult::Kind::kText);
  EXPECT_THAT(text[0].message, HasSubstr("numbers"));
  EXPECT_EQ(session_->Explain("SELECT id FROM numbers WHERE id > 3").ValueOrDie(), text[0].message);
  const auto json = Run("EXPLAIN JSON_EXECUTION_PLAN SELECT id FROM numbers");
  EXPECT_THAT(json[0].message, HasSubstr("\"stages\""));
}

TEST_F(SessionTest, DefinitionsComeAndGo) {
  Run("CREATE VIEW big AS SELECT id FROM numbers WHERE id > 900");
  EXPECT_EQ(Lines("SHOW TABLES"),
            (std::vector<std::string>{"big", "endless", "nowhere", "numbers"}));
  EXPECT_EQ(Lines("SHOW TABLES LIKE 'n%'"), (std::vector<std::string>{"nowhere", "numbers"}));
  EXPECT_EQ(Lines("SHOW TABLES NOT LIKE 'n%'"), (std::vector<std::string>{"big", "endless"}));
  EXPECT_EQ(Lines("SHOW VIEWS"), (std::vector<std::string>{"big"}));
  EXPECT_TRUE(Lines("SHOW MODELS").empty());
  EXPECT_EQ(session_->Names(ObjectInfo::Kind::kView), (std::vector<std::string>{"big"}));
  EXPECT_THAT(Run("CREATE VIEW IF NOT EXISTS big AS SELECT 1")[0].message, HasSubstr("exists"));
  Run("ALTER VIEW big RENAME TO huge; DROP VIEW huge; DROP VIEW IF EXISTS huge");
  EXPECT_TRUE(Lines("SHOW VIEWS").empty());
  EXPECT_THAT(ErrorText(Fail("DROP TABLE numberz")), HasSubstr("numbers"));
}

TEST_F(SessionTest, AlteredTablesAreCheckedLikeNewOnes) {
  Run("ALTER TABLE numbers SET ('number-of-rows' = '5')");
  EXPECT_EQ(
      session_->Query("SELECT * FROM numbers").ValueOrDie()->ToTable().ValueOrDie()->num_rows(), 5);
  EXPECT_THAT(ErrorText(Fail("ALTER TABLE numbers SET ('number-of-row' = '5')")),
              HasSubstr("number-of-rows"));
  EXPECT_EQ(
      session_->Query("SELECT * FROM numbers").ValueOrDie()->ToTable().ValueOrDie()->num_rows(), 5);
  Run("ALTER TABLE numbers ADD twice AS id * 2");
  EXPECT_EQ(Lines("SHOW COLUMNS FROM numbers LIKE 'twice'").size(), 1u);
  Run("ALTER TABLE numbers RENAME v TO w; ALTER TABLE numbers DROP twice; ALTER TABLE numbers "
      "RENAME TO figures");
  EXPECT_EQ(Lines("DESCRIBE figures").size(), 2u);
  EXPECT_THAT(ErrorText(Fail("ALTER TABLE figures DROP x")), HasSubstr("no column 'x'"));
}

TEST_F(SessionTest, DescribeTellsWhatFlinkTells) {
  Run("CREATE TABLE t (id BIGINT NOT NULL, at TIMESTAMP(3), day AS CAST(at AS DATE), "
      "WATERMARK FOR at AS at - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED) "
      "WITH ('connector' = 'datagen')");
  const auto lines = Lines("DESCRIBE t");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "id|BIGINT|FALSE|PRI(id)|-|-");
  EXPECT_THAT(lines[1], HasSubstr("at|TIMESTAMP(3) *ROWTIME*|TRUE|-|-|at - INTERVAL '5' SECOND"));
  EXPECT_EQ(lines[2], "day|DATE|TRUE|-|AS CAST(at AS DATE)|-");
  EXPECT_EQ(Lines("SHOW COLUMNS FROM t"), lines);
  const auto extended = Run("DESCRIBE EXTENDED t");
  EXPECT_THAT(extended[0].message, HasSubstr("'connector' = 'datagen'"));
  EXPECT_EQ(session_->Find(ObjectInfo::Kind::kTable, "t").ValueOrDie().options.at("connector"),
            "datagen");
}

TEST_F(SessionTest, ShowCreateGivesAScriptThatCreatesTheSame) {
  const std::string create = Run("SHOW CREATE TABLE numbers")[0].message;
  const auto other = Session::Open().ValueOrDie();
  ASSERT_TRUE(other->Execute(create).ok()) << create;
  EXPECT_EQ(other->Execute("SHOW CREATE TABLE numbers").ValueOrDie()[0].message, create);
}

TEST_F(SessionTest, SettingsAreSetListedAndReset) {
  Run("SET 'parallelism.default' = '2'; SET 'pipeline.name' = 'scoring'");
  EXPECT_EQ(Lines("SET"),
            (std::vector<std::string>{"parallelism.default|2", "pipeline.name|scoring"}));
  const auto job = Run("INSERT INTO nowhere SELECT id, v FROM numbers")[0].job;
  EXPECT_EQ(job->name(), "scoring");
  ASSERT_TRUE(job->Wait().ok());
  EXPECT_EQ(job->metrics().rows_written, 1000);
  Run("RESET 'pipeline.name'; RESET");
  EXPECT_TRUE(Lines("SET").empty());
  EXPECT_EQ(Run("SET 'table.optimizer.join-reorder-enabled' = 'true'")[0].warnings.size(), 1u);
}

TEST_F(SessionTest, UseKnowsTheOneDatabase) {
  Run("USE CATALOG default_catalog; USE default_database; USE default_catalog.default_database");
  EXPECT_EQ(Lines("SHOW CURRENT DATABASE"), (std::vector<std::string>{"default_database"}));
  EXPECT_EQ(Lines("SHOW DATABASES"), (std::vector<std::string>{"default_database"}));
  EXPECT_EQ(Lines("SHOW CATALOGS"), (std::vector<std::string>{"default_catalog"}));
  EXPECT_EQ(DetailsOf(Fail("USE elsewhere")).column, 5);
}

TEST_F(SessionTest, FunctionsAreListedAndDescribed) {
  EXPECT_FALSE(Lines("SHOW FUNCTIONS LIKE 'COUNT'").empty());
  EXPECT_FALSE(Lines("DESCRIBE FUNCTION COUNT").empty());
  EXPECT_TRUE(Lines("SHOW USER FUNCTIONS").empty());
}

TEST_F(SessionTest, ErrorsHaveTheirPlaceInTheScript) {
  const struct {
    const char* sql;
    int line, column;
  } cases[] = {
      {"SELECT 1;\nSELEC 2", 2, 1},
      {"SELECT nope\nFROM numbers", 1, 8},
      {"SELECT id\nFROM nombers", 2, 6},
      {"SET 'parallelism.default' = '2';\nINSERT INTO nowhere SELECT id FROM numbers", 2, 13},
      {"CREATE FUNCTION f AS 'x.f' LANGUAGE PYTHON", 1, 17},
  };
  for (const auto& c : cases) {
    const ErrorDetails details = DetailsOf(Fail(c.sql));
    EXPECT_EQ(details.kind, ErrorDetails::Kind::kUser) << c.sql;
    EXPECT_EQ(details.line, c.line) << c.sql;
    EXPECT_EQ(details.column, c.column) << c.sql;
  }
}

TEST_F(SessionTest, NothingRunsWhereAStatementCannotBeParsed) {
  EXPECT_EQ(DetailsOf(Fail("CREATE VIEW v AS SELECT 1; SELEC 2")).column, 28);
  EXPECT_TRUE(Lines("SHOW VIEWS").empty());
}

TEST_F(SessionTest, OnlyASelectIsAQuery) {
  EXPECT_THAT(ErrorText(session_->Query("SHOW TABLES").status()), HasSubstr("Execute"));
  EXPECT_FALSE(session_->Query("SELECT 1; SELECT 2").ok());
}

TEST_F(SessionTest, AKeyedJoinWithOneKeyIsToldToBeBroadcast) {  // M2, M7, M9, M10
  Run("SET 'parallelism.default' = '2';"
      "CREATE TABLE many (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '0', "
      "'number-of-rows' = '6000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', "
      "'fields.id.end' = '6000');"
      "CREATE TABLE kept (y FLOAT) WITH ('connector' = 'blackhole');"
      "CREATE VIEW updates AS SELECT 'only' AS k, 'test/models/linear.onnx' AS location;"
      "CREATE VIEW asked AS SELECT 'only' AS k, CAST(id AS FLOAT) AS a FROM many;"
      "CREATE MODEL skewed INPUT (a FLOAT, b FLOAT) OUTPUT (y FLOAT) WITH ('provider' = 'stream', "
      "'source' = 'updates', 'key' = 'k', 'type' = 'onnx', 'drift-rows' = '2000')");
  const auto hint_of = [&](const std::string& rows) {
    const auto results = Run("INSERT INTO kept SELECT y FROM ML_PREDICT(TABLE " + rows +
                             ", MODEL skewed, DESCRIPTOR(a, a))");
    EXPECT_TRUE(results[0].job->Wait().ok()) << ErrorText(results[0].job->Wait());
    for (const OperatorMetrics& op : results[0].job->metrics().operators) {
      if (op.op != "predict") continue;
      EXPECT_EQ(op.subtasks, 2);
      EXPECT_GE(op.most_rows_in, 3000);
      return op.skew_hint;
    }
    return std::string("no operator");
  };
  EXPECT_THAT(hint_of("asked PARTITION BY k"), HasSubstr("leave PARTITION BY out"));
  EXPECT_EQ(hint_of("asked"), "");

  const auto count = [&](const std::string& rows) {
    return session_->Query("SELECT * FROM millrace." + rows)
        .ValueOrDie()
        ->ToTable()
        .ValueOrDie()
        ->num_rows();
  };
  EXPECT_EQ(count("model_stats WHERE model = 'skewed' AND `rows` = 12000"), 1);
  EXPECT_EQ(count("model_history WHERE model = 'skewed' AND model_key = 'only' AND version = 1 "
                  "AND event = 'serves'"),
            2)
      << "of both jobs";
  EXPECT_EQ(count("model_drift WHERE model = 'skewed' AND side = 'output' AND windows >= 2"), 1);
  EXPECT_EQ(count("model_drift WHERE model = 'skewed' AND side = 'input' AND reference_rows = "
                  "2000"),
            2);
  EXPECT_THAT(ErrorText(session_->Query("SELECT * FROM millrace.model_drifts").status()),
              HasSubstr("model_drift"));
}

TEST_F(SessionTest, SetVersionSpeaksToRunningJobs) {  // M9
  Run("CREATE VIEW updates AS SELECT 'm.onnx' AS location;"
      "CREATE MODEL m INPUT (a FLOAT) OUTPUT (y FLOAT) "
      "WITH ('provider' = 'stream', 'source' = 'updates', 'type' = 'onnx')");
  const auto fault = [&](const std::string& sql) {
    return session_->Execute(sql).status().message();
  };
  EXPECT_THAT(fault("ALTER MODEL m SET VERSION 3"),
              testing::HasSubstr("no job of this process scores by versions of the model 'm'"));
  EXPECT_THAT(fault("ALTER MODEL m SET VERSION 'best'"),
              testing::HasSubstr("'best' is no version of a streamed model"));
  EXPECT_THAT(fault("ALTER MODEL n SET VERSION 3"), testing::HasSubstr("no model 'n'"));
}

}  // namespace
}  // namespace millrace
