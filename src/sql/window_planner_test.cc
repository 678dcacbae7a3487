// Event time and windows in plans. // P1
#include "sql/planner_fixture.h"

namespace millrace::sql {
namespace {

class WindowPlannerTest : public PlannerTest {
 protected:
  WindowPlannerTest() {
    Define(
        "CREATE TABLE bid (item STRING, price DOUBLE, supplier STRING, ts TIMESTAMP(3), pt AS "
        "PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'memory')");
  }

  /// The plan's lines that begin with one of these operators.
  std::string Lines(const std::string& sql, std::initializer_list<const char*> operators) {
    const std::string plan = Plan(sql);
    std::string out;
    for (size_t at = 0; at < plan.size();) {
      const size_t end = std::min(plan.find('\n', at), plan.size());
      const std::string line = plan.substr(at, end - at);
      for (const char* op : operators) {
        if (line.starts_with("  " + std::string(op) + ":")) out += line.substr(2) + "\n";
      }
      at = end + 1;
    }
    return out.empty() ? plan : out;
  }

  std::string Aggregate(const std::string& sql) {
    return Lines(sql, {"window", "expand", "window_aggregate", "aggregate"});
  }
};

TEST_F(WindowPlannerTest, AggregationByWindowCutsTheWindowsItself) {
  EXPECT_EQ(Plan("SELECT window_start, window_end, SUM(price) AS total FROM TUMBLE(TABLE bid, "
                 "DESCRIPTOR(ts), INTERVAL '10' MINUTES) WHERE price > 1 GROUP BY window_start, "
                 "window_end"),
            "Stage 0  (parallelism 1)\n"
            "  source: bid[price, ts] from memory, watermark ts - INTERVAL '5' SECOND\n"
            "  calc: where price > 1; select price, ts\n"
            "  window_aggregate: tumble(ts, 10 min): SUM(price)\n"
            "  calc: select window_start, window_end, $0 AS total\n"
            "  collect: the query's result\n");
}

TEST_F(WindowPlannerTest, FormsOfWindowFunctions) {
  const struct {
    const char* function;
    const char* window;
  } cases[] = {
      {"TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' MINUTES))", "tumble(ts, 10 min)"},
      {"TUMBLE(DATA => TABLE bid, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' HOUR, OFFSET => "
       "INTERVAL '15' MINUTE)",
       "tumble(ts, 1 h, offset 15 min)"},
      {"TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' DAY, INTERVAL '-8' HOUR)",
       "tumble(ts, 1 d, offset -8 h)"},
      {"HOP(TABLE bid, DESCRIPTOR(ts), INTERVAL '5' MINUTES, INTERVAL '10' MINUTES)",
       "hop(ts, 5 min, 10 min)"},
      {"HOP(SIZE => INTERVAL '10' MINUTES, SLIDE => INTERVAL '5' MINUTES, DATA => TABLE bid, "
       "TIMECOL => DESCRIPTOR(ts))",
       "hop(ts, 5 min, 10 min)"},
      {"CUMULATE(TABLE bid, DESCRIPTOR(ts), INTERVAL '2' MINUTES, INTERVAL '10' MINUTES)",
       "cumulate(ts, 2 min, 10 min)"},
      {"TUMBLE(TABLE bid, DESCRIPTOR(pt), INTERVAL '10' SECONDS)", "tumble(processing time, 10 s)"},
      {"SESSION(TABLE bid PARTITION BY item, DESCRIPTOR(ts), INTERVAL '5' MINUTES)",
       "session(ts, 5 min)"},
  };
  for (const auto& c : cases) {
    const std::string sql = std::string("SELECT item, window_time, COUNT(*) AS n FROM ") +
                            c.function + " GROUP BY item, window_start, window_end";
    EXPECT_EQ(Aggregate(sql), "window_aggregate: " + std::string(c.window) + " by item: COUNT(*)\n")
        << sql;
  }
}

TEST_F(WindowPlannerTest, WindowsThatOthersReadAreColumns) {
  EXPECT_EQ(Aggregate("SELECT item, window_start FROM HOP(TABLE bid, DESCRIPTOR(ts), INTERVAL '5' "
                      "MINUTES, INTERVAL '10' MINUTES)"),
            "window: hop(ts, 5 min, 10 min)\n");
  // A condition on the window itself.
  EXPECT_EQ(Aggregate("SELECT COUNT(*) AS n FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' "
                      "HOUR) WHERE HOUR(window_start) = 8 GROUP BY window_start, window_end"),
            "window: tumble(ts, 1 h)\nwindow_aggregate: windows of the rows: COUNT(*)\n");
  // Sessions of other keys than the groups'.
  EXPECT_EQ(Aggregate("SELECT COUNT(*) AS n FROM SESSION(TABLE bid PARTITION BY item, "
                      "DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end"),
            "window: session(ts, 1 h) by item\n"
            "window_aggregate: windows of the rows: COUNT(*)\n");
  // One end of the window is not the window: an aggregation without windows.
  EXPECT_EQ(Aggregate("SELECT window_start, COUNT(*) AS n FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), "
                      "INTERVAL '1' HOUR) GROUP BY window_start"),
            "window: tumble(ts, 1 h)\naggregate: by window_start: COUNT(*) (changelog)\n");
}

TEST_F(WindowPlannerTest, WindowsOfWindows) {
  Define(
      "CREATE VIEW five AS SELECT item, window_start AS s, window_end AS e, window_time AS rt, "
      "SUM(price) AS total FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '5' MINUTES) GROUP BY "
      "item, window_start, window_end");
  EXPECT_EQ(Aggregate("SELECT window_start, SUM(total) AS total FROM TUMBLE(TABLE five, "
                      "DESCRIPTOR(rt), INTERVAL '10' MINUTES) GROUP BY window_start, window_end"),
            "window_aggregate: tumble(ts, 5 min) by item: SUM(price)\n"
            "window_aggregate: tumble(rt, 10 min): SUM(total)\n");
  EXPECT_EQ(Aggregate("SELECT s, e, MAX(total) AS most FROM five GROUP BY s, e"),
            "window_aggregate: tumble(ts, 5 min) by item: SUM(price)\n"
            "window_aggregate: windows of the rows: MAX(total)\n");
}

TEST_F(WindowPlannerTest, RowsThatAreTakenBackLeaveTheirWindow) {
  EXPECT_EQ(Lines("SELECT window_start, SUM(price) AS total FROM TUMBLE(TABLE (SELECT * FROM bid "
                  "QUALIFY ROW_NUMBER() OVER (PARTITION BY item ORDER BY ts DESC) = 1), "
                  "DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end",
                  {"window", "window_aggregate"}),
            "window_aggregate: tumble(ts, 1 h): SUM(price)\n");
}

TEST_F(WindowPlannerTest, SessionsOfWhatCannotBeMergedGatherTheirRows) {
  EXPECT_EQ(Aggregate("SELECT item, COUNT(DISTINCT supplier) AS n FROM SESSION(TABLE bid PARTITION "
                      "BY item, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY item, window_start, "
                      "window_end"),
            "window: session(ts, 1 h) by item\n"
            "window_aggregate: windows of the rows by item: COUNT(DISTINCT supplier)\n");
}

TEST_F(WindowPlannerTest, GroupWindows) {
  EXPECT_EQ(Aggregate("SELECT item, TUMBLE_START(ts, INTERVAL '1' HOUR) AS s, TUMBLE_ROWTIME(ts, "
                      "INTERVAL '1' HOUR) AS t, SUM(price) AS total FROM bid WHERE price > 0 GROUP "
                      "BY TUMBLE(ts, INTERVAL '1' HOUR), item"),
            "window_aggregate: tumble(ts, 1 h) by item: SUM(price)\n");
  EXPECT_EQ(Aggregate("SELECT HOP_END(pt, INTERVAL '1' MINUTE, INTERVAL '1' HOUR) AS e, COUNT(*) "
                      "AS n FROM bid GROUP BY HOP(pt, INTERVAL '1' MINUTE, INTERVAL '1' HOUR)"),
            "window_aggregate: hop(processing time, 1 min, 1 h): COUNT(*)\n");
  EXPECT_EQ(Aggregate("SELECT item, SESSION_END(ts, INTERVAL '1' HOUR) AS e, COUNT(*) AS n FROM "
                      "bid GROUP BY item, SESSION(ts, INTERVAL '1' HOUR)"),
            "window_aggregate: session(ts, 1 h) by item: COUNT(*)\n");
}

TEST_F(WindowPlannerTest, GroupingSetsOfWindows) {
  EXPECT_EQ(
      Aggregate("SELECT window_start, item, supplier, SUM(price) AS total, GROUPING_ID(item, "
                "supplier) AS g FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY "
                "window_start, window_end, ROLLUP (item, supplier)"),
      "expand: (item, supplier), (item), () AS $grouping\n"
      "window_aggregate: tumble(ts, 1 h) by item, supplier, $grouping: SUM(price)\n");
}

TEST_F(WindowPlannerTest, LateRowsAreATable) {
  Define(
      "CREATE VIEW hourly AS SELECT item, window_start, SUM(price) AS total FROM TUMBLE(TABLE bid, "
      "DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY item, window_start, window_end");
  EXPECT_EQ(
      Plan("EXECUTE STATEMENT SET BEGIN INSERT INTO totals SELECT item, total FROM hourly; "
           "INSERT INTO totals SELECT supplier, price FROM hourly$late; END"),
      "Stage 0  (parallelism 1)\n"
      "  source: bid[item, price, supplier, ts] from memory, watermark ts - INTERVAL '5' SECOND\n"
      "  calc: select item, price, supplier, ts, PROCTIME() AS pt\n"
      "  window_aggregate: tumble(ts, 1 h) by item: SUM(price)\n"
      "  calc: select item AS country, $0 AS total\n"
      "  sink: totals[country, total] to changes\n"
      "  -> stage 1 by forward, the late rows of 'hourly/window_aggregate(item,window)'\n"
      "Stage 1  (parallelism 1)\n"
      "  calc: select supplier AS country, price AS total\n"
      "  sink: totals[country, total] to changes\n");
}

TEST_F(WindowPlannerTest, RowsWithoutATimeAreFailedRows) {
  Define(
      "CREATE VIEW hourly AS SELECT item, window_start, SUM(price) AS total FROM TUMBLE(TABLE bid, "
      "DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY item, window_start, window_end");
  EXPECT_EQ(Plan("SELECT item, cause FROM hourly$failed"),
            "Stage 0  (parallelism 1)\n"
            "  source: bid[item, price, supplier, ts] from memory, watermark ts - INTERVAL '5' "
            "SECOND\n"
            "  calc: select item, price, supplier, ts, PROCTIME() AS pt\n"
            "  window_aggregate: tumble(ts, 1 h) by item: SUM(price)\n"
            "  -> stage 1 by forward, the failed rows of "
            "'hourly/window_aggregate(item,window)'\n"
            "Stage 1  (parallelism 1)\n"
            "  calc: select item, cause\n"
            "  collect: the query's result\n");
}

TEST_F(WindowPlannerTest, LatenessMakesAChangelog) {
  settings_["table.exec.emit.allow-lateness"] = "1 h";
  const std::string sql =
      "SELECT window_start, COUNT(*) AS n FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' "
      "HOUR) GROUP BY window_start, window_end";
  EXPECT_EQ(Aggregate(sql), "window_aggregate: tumble(ts, 1 h): COUNT(*), late until 1 h\n");
  EXPECT_NE(PlanError("INSERT INTO scores SELECT n, 1.5E0 FROM (" + sql + ") AS w")
                .find("takes inserts only"),
            std::string::npos);
}

TEST_F(WindowPlannerTest, WindowErrors) {
  const struct {
    const char* sql;
    const char* says;
  } cases[] = {
      {"SELECT * FROM TUMBLE(TABLE tx, DESCRIPTOR(ts), INTERVAL '1' HOUR)",
       "a window needs a time attribute, but 'ts' is an ordinary column of TIMESTAMP(3)\n  at "
       "1:43\n  hint: declare it in CREATE TABLE with WATERMARK FOR ts AS ts - INTERVAL"},
      {"SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(tss), INTERVAL '1' HOUR)",
       "no column 'tss' for the window's time\n  at 1:44\n  hint: did you mean 'ts'?"},
      {"SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(item), INTERVAL '1' HOUR)",
       "the rowtime of these rows is 'ts'"},
      {"SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' MONTH)",
       "an INTERVAL of months or years, which are of different lengths\n  at 1:49"},
      {"SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '-1' HOUR)",
       "a window's SIZE must be longer than nothing"},
      {"SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), 10)",
       "a window's SIZE is a literal INTERVAL"},
      {"SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts))", "TUMBLE misses its argument SIZE"},
      {"SELECT * FROM TUMBLE(TABLE bid, TIMECOL => DESCRIPTOR(ts), LENGTH => INTERVAL '1' HOUR)",
       "TUMBLE has no argument 'LENGTH'"},
      {"SELECT * FROM CUMULATE(TABLE bid, DESCRIPTOR(ts), INTERVAL '7' MINUTES, INTERVAL '10' "
       "MINUTES)",
       "a CUMULATE window's size must be a multiple of its step"},
      {"SELECT * FROM HOP(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' MINUTES, INTERVAL '5' MINUTES)",
       "HOP takes the slide first"},
      {"SELECT * FROM TUMBLE(TABLE bid PARTITION BY item, DESCRIPTOR(ts), INTERVAL '1' HOUR)",
       "only SESSION takes PARTITION BY"},
      {"SELECT COUNT(*) AS n FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY "
       "GROUPING SETS ((window_start, window_end), (item))",
       "a grouping set leaves out 'window_start'"},
      {"SELECT TUMBLE_START(ts, INTERVAL '2' HOUR) AS s FROM bid GROUP BY TUMBLE(ts, INTERVAL '1' "
       "HOUR)",
       "TUMBLE_START has other arguments than the TUMBLE of GROUP BY"},
      {"SELECT TUMBLE_PROCTIME(ts, INTERVAL '1' HOUR) AS s FROM bid GROUP BY TUMBLE(ts, INTERVAL "
       "'1' HOUR)",
       "the windows are over event time"},
      {"SELECT * FROM TUMBLE(TABLE (SELECT ts, COUNT(*) AS n FROM bid GROUP BY ts), "
       "DESCRIPTOR(ts), INTERVAL '1' HOUR)",
       "a window needs a time attribute"},
      {"SELECT * FROM SESSION(TABLE (SELECT * FROM bid QUALIFY ROW_NUMBER() OVER (PARTITION BY "
       "item "
       "ORDER BY ts DESC) = 1), DESCRIPTOR(ts), INTERVAL '1' HOUR)",
       "a SESSION window over results that are updated"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(PlanError(c.sql).find(c.says), std::string::npos) << c.sql << "\ngives\n"
                                                                << PlanError(c.sql);
  }
}

TEST_F(WindowPlannerTest, GroupingSets) {
  EXPECT_EQ(Plan("SELECT country, id, SUM(amount) AS total, GROUPING(country) AS g FROM tx GROUP "
                 "BY GROUPING SETS ((country, id), (country), ())"),
            "Stage 0  (parallelism 1)\n"
            "  source: tx[id, country, amount] from memory\n"
            "  calc: select country, id, amount\n"
            "  expand: (country, id), (country), () AS $grouping\n"
            "  aggregate: by country, id, $grouping: SUM(amount) (changelog)\n"
            "  calc: select country, id, $0 AS total, $grouping / 2 % 2 AS g\n"
            "  collect: the query's result\n");
  EXPECT_EQ(Aggregate("SELECT id, SUM(id) AS s FROM tx GROUP BY CUBE (id)"),
            "expand: (id), () AS $grouping\n"
            "aggregate: by id, $grouping: SUM(id) (changelog)\n");
  EXPECT_EQ(Aggregate("SELECT id, GROUPING(id) AS g FROM tx GROUP BY id"),
            "aggregate: by id (changelog)\n");
  EXPECT_NE(PlanError("SELECT GROUPING(amount) AS g FROM tx GROUP BY ROLLUP (id)")
                .find("is no key of GROUP BY"),
            std::string::npos);
}

TEST_F(WindowPlannerTest, RowtimePassesThroughWhatKeepsIt) {
  Define("CREATE VIEW kept AS SELECT UPPER(item) AS item, ts AS at FROM bid WHERE price > 1");
  const std::string windows = ", DESCRIPTOR(at), INTERVAL '1' HOUR)";
  EXPECT_EQ(Aggregate("SELECT item FROM TUMBLE(TABLE kept" + windows), "window: tumble(at, 1 h)\n");
  EXPECT_EQ(Aggregate("WITH both AS (SELECT * FROM kept UNION ALL SELECT * FROM kept) SELECT item "
                      "FROM TUMBLE(TABLE both" +
                      windows),
            "window: tumble(at, 1 h)\n");
  EXPECT_NE(PlanError("SELECT * FROM TUMBLE(TABLE (SELECT at + INTERVAL '1' HOUR AS at FROM kept)" +
                      windows)
                .find("needs a time attribute"),
            std::string::npos);
}

}  // namespace
}  // namespace millrace::sql
