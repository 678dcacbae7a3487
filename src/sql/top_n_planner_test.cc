// Top-N, deduplication and ORDER BY in plans. // P1
#include "sql/planner_fixture.h"

namespace millrace::sql {
namespace {

class TopNPlannerTest : public PlannerTest {
 protected:
  TopNPlannerTest() {
    Define(
        "CREATE TABLE bid (item STRING, price DOUBLE, supplier STRING, ts TIMESTAMP(3), pt AS "
        "PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'memory')");
  }

  std::string TopN(const std::string& over, const std::string& where,
                   const std::string& select = "item, price") {
    return Plan("SELECT " + select + " FROM (SELECT *, ROW_NUMBER() OVER (" + over +
                ") AS rn FROM bid) WHERE " + where);
  }

  /// The line of the node that takes rows.
  std::string Line(const std::string& plan) {
    for (const char* op : {"  rank: ", "  deduplicate: "}) {
      const size_t at = plan.find(op);
      if (at != std::string::npos) return plan.substr(at + 2, plan.find('\n', at) - at - 2);
    }
    return plan;
  }
};

TEST_F(TopNPlannerTest, BoundedRowNumberIsATopN) {
  EXPECT_EQ(TopN("PARTITION BY item ORDER BY price DESC, ts", "rn <= 3"),
            "Stage 0  (parallelism 1)\n"
            "  source: bid[item, price, ts] from memory, watermark ts - INTERVAL '5' SECOND\n"
            "  rank: rows 1 to 3 by price desc, ts of item\n"
            "  calc: select item, price\n"
            "  collect: the query's result\n");
  settings_["parallelism.default"] = "2";
  EXPECT_EQ(TopN("PARTITION BY item ORDER BY price DESC", "rn <= 3 AND price > 2", "rn, price"),
            "Stage 0  (parallelism 2)\n"
            "  source: bid[item, price, ts] from memory, watermark ts - INTERVAL '5' SECOND\n"
            "  calc: select item, price\n"
            "  -> stage 1 by hash(item)\n"
            "Stage 1  (parallelism 2)\n"
            "  rank: rows 1 to 3 by price desc of item AS $number\n"
            "  calc: where price > 2; select $number AS rn, price\n"
            "  collect: the query's result\n");
}

TEST_F(TopNPlannerTest, Bounds) {
  const std::string by_price = "PARTITION BY item ORDER BY price";
  const struct {
    const char* where;
    const char* rows;
  } cases[] = {
      {"rn < 3", "rows 1 to 2"},
      {"rn = 1", "rows 1 to 1"},
      {"3 >= rn", "rows 1 to 3"},
      {"rn BETWEEN 2 AND 4", "rows 2 to 4"},
      {"rn >= 2 AND rn <= 4", "rows 2 to 4"},
      {"rn > 1 AND 5 > rn", "rows 2 to 4"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Line(TopN(by_price, c.where)), "rank: " + std::string(c.rows) + " by price of item")
        << c.where;
  }
  EXPECT_EQ(Line(TopN(by_price, "rn <= 2", "rn, item")),
            "rank: rows 1 to 2 by price of item AS $number");
}

TEST_F(TopNPlannerTest, ThroughViewsAndExpressions) {
  Define(
      "CREATE VIEW ranked AS SELECT item, price * 2 AS twice, ROW_NUMBER() OVER (PARTITION BY "
      "UPPER(item) ORDER BY price * 2 DESC NULLS FIRST) AS place FROM bid WHERE price > 0");
  EXPECT_EQ(Plan("SELECT item, twice FROM ranked WHERE place <= 5"),
            "Stage 0  (parallelism 1)\n"
            "  source: bid[item, price, ts] from memory, watermark ts - INTERVAL '5' SECOND\n"
            "  calc: where price > 0; select item, price, UPPER(item) AS $5, price * 2 AS $6\n"
            "  rank: rows 1 to 5 by $6 desc of $5\n"
            "  calc: select item, price * 2 AS twice\n"
            "  collect: the query's result\n");
  EXPECT_EQ(Line(Plan("SELECT item FROM bid WINDOW w AS (PARTITION BY item ORDER BY price) "
                      "QUALIFY ROW_NUMBER() OVER w <= 2")),
            "rank: rows 1 to 2 by price of item");
  EXPECT_EQ(Line(Plan("SELECT item FROM (SELECT item, SUM(price) AS s, ROW_NUMBER() OVER (ORDER BY "
                      "SUM(price) DESC) AS rn FROM bid GROUP BY item) WHERE rn <= 10")),
            "rank: rows 1 to 10 by $0 desc");
}

TEST_F(TopNPlannerTest, OneRowByTimeIsADeduplication) {
  const struct {
    const char* over;
    const char* line;
  } cases[] = {
      {"PARTITION BY item ORDER BY ts", "deduplicate: first row by ts of item"},
      {"PARTITION BY item ORDER BY ts DESC", "deduplicate: last row by ts of item"},
      {"PARTITION BY item, supplier ORDER BY pt",
       "deduplicate: first row by arrival of item, supplier"},
      {"PARTITION BY item ORDER BY pt DESC", "deduplicate: last row by arrival of item"},
      {"PARTITION BY item ORDER BY ts, price", "rank: rows 1 to 1 by ts, price of item"},
  };
  for (const auto& c : cases) EXPECT_EQ(Line(TopN(c.over, "rn = 1")), c.line) << c.over;
  const auto first = TryPlan(
      "SELECT item, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY ts) AS rn "
      "FROM bid) WHERE rn = 1");
  ASSERT_TRUE(first.ok()) << Describe(first.status());
  EXPECT_EQ(first->result_changelog, ChangelogMode::kAppend);
}

TEST_F(TopNPlannerTest, OfWindows) {
  const std::string windows =
      "(SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC) AS "
      "rn FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' HOUR))";
  const auto job = TryPlan("SELECT item FROM " + windows + " WHERE rn <= 3");
  ASSERT_TRUE(job.ok()) << Describe(job.status());
  EXPECT_EQ(Line(ToText(job->plan)),
            "rank: rows 1 to 3 by price desc of window_start, window_end, when window_end has "
            "passed");
  EXPECT_EQ(job->result_changelog, ChangelogMode::kAppend);
  EXPECT_EQ(Line(Plan("SELECT item FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, "
                      "window_end, item ORDER BY ts DESC) AS rn FROM TUMBLE(TABLE bid, "
                      "DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE rn = 1")),
            "deduplicate: last row by ts of window_start, window_end, item, when window_end has "
            "passed");
  EXPECT_EQ(
      Line(Plan("SELECT item FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, "
                "window_end ORDER BY total DESC) AS rn FROM (SELECT item, window_start, "
                "window_end, SUM(price) AS total FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL "
                "'1' HOUR) GROUP BY item, window_start, window_end)) WHERE rn <= 3")),
      "rank: rows 1 to 3 by total desc of window_start, window_end, when window_end has passed");
}

TEST_F(TopNPlannerTest, OrderByWithLimit) {
  EXPECT_EQ(Plan("SELECT item AS name, price FROM bid ORDER BY 2 DESC, name LIMIT 3 OFFSET 1"),
            "Stage 0  (parallelism 1)\n"
            "  source: bid[item, price, ts] from memory, watermark ts - INTERVAL '5' SECOND\n"
            "  calc: select item AS name, price\n"
            "  rank: rows 2 to 4 by price desc, name\n"
            "  collect: the query's result\n");
  // By a column that is not in the output.
  EXPECT_EQ(Plan("SELECT item FROM bid ORDER BY price + 1 LIMIT 2"),
            "Stage 0  (parallelism 1)\n"
            "  source: bid[item, price, ts] from memory, watermark ts - INTERVAL '5' SECOND\n"
            "  calc: select item, price + 1 AS $order0\n"
            "  rank: rows 1 to 2 by $order0\n"
            "  calc: select item\n"
            "  collect: the query's result\n");
  EXPECT_EQ(Line(Plan("SELECT DISTINCT item FROM bid ORDER BY item LIMIT 2")),
            "rank: rows 1 to 2 by item");
  EXPECT_EQ(Line(Plan("SELECT id FROM tx UNION ALL SELECT id FROM scores ORDER BY id LIMIT 2")),
            "rank: rows 1 to 2 by id");
  settings_["execution.runtime-mode"] = "batch";
  EXPECT_EQ(Line(Plan("SELECT item FROM bid ORDER BY price NULLS LAST")),
            "rank: all rows by $order0 (final)");
}

TEST_F(TopNPlannerTest, Errors) {
  const struct {
    const char* sql;
    const char* says;
  } cases[] = {
      {"SELECT item, ROW_NUMBER() OVER (ORDER BY price) AS rn FROM bid",
       "ROW_NUMBER() OVER without a bound is parsed but cannot be planned yet\n  at 1:14\n  hint: "
       "a condition such as rn <= 10"},
      {"SELECT * FROM (SELECT item, ROW_NUMBER() OVER (ORDER BY price) AS rn FROM bid) WHERE rn > "
       "3",
       "ROW_NUMBER() OVER without a bound"},
      {"SELECT * FROM (SELECT item, RANK() OVER (ORDER BY price) AS rn FROM bid) WHERE rn < 3",
       "RANK() OVER is not supported on streams"},
      {"SELECT SUM(price) OVER (ORDER BY ts) AS s FROM bid",
       "SUM with OVER is parsed but cannot be planned yet\n  at 1:8"},
      {"SELECT ROW_NUMBER() OVER (PARTITION BY item) AS rn FROM bid", "needs an ORDER BY"},
      {"SELECT SUM(ROW_NUMBER() OVER (ORDER BY price)) AS s FROM bid",
       "ROW_NUMBER() OVER cannot stand in an aggregate"},
      {"SELECT ROW_NUMBER() OVER (ORDER BY ROW_NUMBER() OVER (ORDER BY price)) AS s FROM bid",
       "ROW_NUMBER() OVER cannot stand in OVER (…)"},
      {"SELECT item FROM bid ORDER BY 3 LIMIT 1", "ORDER BY 3 is none of the 1 columns"},
      {"SELECT item FROM bid ORDER BY pirce LIMIT 1", "no column 'pirce'"},
      {"SELECT item FROM bid ORDER BY ts", "ORDER BY without LIMIT on a stream"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(PlanError(c.sql).find(c.says), std::string::npos) << c.sql << "\ngives\n"
                                                                << PlanError(c.sql);
  }
}

}  // namespace
}  // namespace millrace::sql
