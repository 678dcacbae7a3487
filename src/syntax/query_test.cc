#include <gtest/gtest.h>

#include "syntax/testing.h"

namespace millrace::syntax {
namespace {

constexpr RoundTrip kQueries[] = {
    {"SELECT 1", ""},
    {"SELECT 1;", "SELECT 1"},
    {"select a from t", R"sql(SELECT a
FROM t)sql"},
    {"SELECT ALL a FROM t", R"sql(SELECT a
FROM t)sql"},
    {"SELECT DISTINCT a, t.*, db.t.* FROM t", R"sql(SELECT DISTINCT a, t.*, db.t.*
FROM t)sql"},
    {"SELECT a b, c AS d FROM t u, db.v AS w (x, y)", R"sql(SELECT a AS b, c AS d
FROM t AS u, db.v AS w (x, y))sql"},
    {"SELECT a FROM t WHERE b > 1 AND c", R"sql(SELECT a
FROM t
WHERE b > 1 AND c)sql"},
    {"SELECT a FROM t GROUP BY a, (b, c), (), ROLLUP (a, (b, c)), CUBE (a), GROUPING SETS ((a, b), "
     "ROLLUP (c), ()) HAVING COUNT(*) > 1",
     R"sql(SELECT a
FROM t
GROUP BY a, (b, c), (), ROLLUP (a, (b, c)), CUBE (a), GROUPING SETS ((a, b), ROLLUP (c), ())
HAVING COUNT(*) > 1)sql"},
    {"SELECT a FROM t WINDOW w AS (PARTITION BY a), v AS (w ORDER BY b) QUALIFY ROW_NUMBER() OVER "
     "v = 1",
     R"sql(SELECT a
FROM t
WINDOW w AS (PARTITION BY a), v AS (w ORDER BY b)
QUALIFY ROW_NUMBER() OVER v = 1)sql"},
    {"SELECT a FROM t ORDER BY a, b DESC NULLS LAST, c ASC NULLS FIRST LIMIT 10 OFFSET 5",
     R"sql(SELECT a
FROM t
ORDER BY a, b DESC NULLS LAST, c NULLS FIRST
LIMIT 10
OFFSET 5)sql"},
    {"SELECT a FROM t LIMIT ALL OFFSET 5 ROWS", R"sql(SELECT a
FROM t
OFFSET 5)sql"},
    {"SELECT a FROM t OFFSET 1 ROW FETCH NEXT 3 ROWS ONLY", R"sql(SELECT a
FROM t
LIMIT 3
OFFSET 1)sql"},
    {"SELECT a FROM t FETCH FIRST 1 ROW ONLY", R"sql(SELECT a
FROM t
LIMIT 1)sql"},
    {"VALUES (1, 'a'), (2, 'b')", ""},
    {"VALUES 1, 2", "VALUES (1), (2)"},
    {"VALUES ROW(1, 2)", "VALUES (1, 2)"},
    {"SELECT * FROM (VALUES (1, 2)) AS t (a, b)", R"sql(SELECT *
FROM (VALUES (1, 2)) AS t (a, b))sql"},
    {"WITH x (a) AS (SELECT 1), y AS (SELECT 2) SELECT * FROM x, y", R"sql(WITH x (a) AS (SELECT 1),
y AS (SELECT 2)
SELECT *
FROM x, y)sql"},
    {"SELECT a FROM t UNION SELECT b FROM u UNION ALL SELECT c FROM v", R"sql(SELECT a
FROM t
UNION
SELECT b
FROM u
UNION ALL
SELECT c
FROM v)sql"},
    {"SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4", R"sql(SELECT 1
UNION
SELECT 2
INTERSECT
SELECT 3
EXCEPT ALL
SELECT 4)sql"},
    {"SELECT 1 UNION (SELECT 2 UNION SELECT 3)", R"sql(SELECT 1
UNION
(SELECT 2 UNION SELECT 3))sql"},
    {"(SELECT 1 UNION SELECT 2) INTERSECT DISTINCT SELECT 3", R"sql((SELECT 1 UNION SELECT 2)
INTERSECT
SELECT 3)sql"},
    {"(SELECT 1 LIMIT 1) UNION ALL (SELECT 2 ORDER BY 1) ORDER BY 1", R"sql((SELECT 1 LIMIT 1)
UNION ALL
(SELECT 2 ORDER BY 1)
ORDER BY 1)sql"},
    {"(SELECT 1)", "SELECT 1"},
    {"(SELECT a FROM t LIMIT 5) LIMIT 3", R"sql(SELECT *
FROM (SELECT a FROM t LIMIT 5)
LIMIT 3)sql"},
    {"(WITH x AS (SELECT 1) SELECT * FROM x) LIMIT 3", R"sql(WITH x AS (SELECT 1)
SELECT *
FROM x
LIMIT 3)sql"},
    {"SELECT * FROM a JOIN b ON a.x = b.x LEFT OUTER JOIN c USING (y, z) RIGHT JOIN d ON TRUE FULL "
     "JOIN e ON TRUE CROSS JOIN f NATURAL JOIN g NATURAL LEFT JOIN h",
     R"sql(SELECT *
FROM a
JOIN b ON a.x = b.x
LEFT JOIN c USING (y, z)
RIGHT JOIN d ON TRUE
FULL JOIN e ON TRUE
CROSS JOIN f
NATURAL JOIN g
NATURAL LEFT JOIN h)sql"},
    {"SELECT * FROM a INNER JOIN (b JOIN c ON TRUE) ON TRUE", R"sql(SELECT *
FROM a
JOIN (b JOIN c ON TRUE) ON TRUE)sql"},
    {"SELECT * FROM ((SELECT 1) AS x JOIN b ON TRUE)", R"sql(SELECT *
FROM (SELECT 1) AS x
JOIN b ON TRUE)sql"},
    {"SELECT * FROM ((SELECT 1) UNION (SELECT 2)) AS x, ((a JOIN b ON TRUE) JOIN c ON TRUE), "
     "(((SELECT 1)))",
     R"sql(SELECT *
FROM (SELECT 1 UNION SELECT 2) AS x,
  a
  JOIN b ON TRUE
  JOIN c ON TRUE,
  (SELECT 1))sql"},
    {"SELECT * FROM a, LATERAL TABLE(f(a.x)) AS b (y), LATERAL (SELECT a.z) AS c, UNNEST(a.items) "
     "WITH ORDINALITY AS d (e, o)",
     R"sql(SELECT *
FROM a,
  LATERAL TABLE(f(a.x)) AS b (y),
  LATERAL (SELECT a.z) AS c,
  UNNEST(a.items) WITH ORDINALITY AS d (e, o))sql"},
    {"SELECT * FROM a LEFT JOIN LATERAL TABLE(f(x)) AS b ON TRUE CROSS JOIN UNNEST(a.m) AS t (k, "
     "v)",
     R"sql(SELECT *
FROM a
LEFT JOIN LATERAL TABLE(f(x)) AS b ON TRUE
CROSS JOIN UNNEST(a.m) AS t (k, v))sql"},
    {"SELECT * FROM orders AS o JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.c = r.c",
     R"sql(SELECT *
FROM orders AS o
JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.c = r.c)sql"},
    {"SELECT /*+ BROADCAST(t), STATE_TTL('a' = '1d') */ a FROM t /*+ OPTIONS('k' = 'v', m = "
     "MAP['x', 'y']) STATE_ID('x') */ AS u",
     R"sql(SELECT /*+ BROADCAST('t'), STATE_TTL('a' = '1d') */ a
FROM t /*+ OPTIONS('k' = 'v', 'm' = MAP['x', 'y']), STATE_ID('x') */ AS u)sql"},
    {"SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))", R"sql(SELECT *
FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))sql"},
    {"SELECT * FROM ML_PREDICT(TABLE t PARTITION BY (a, b) ORDER BY ts DESC, MODEL db.m, "
     "DESCRIPTOR(a, b), MAP['async', 'true'])",
     R"sql(SELECT *
FROM ML_PREDICT(
  TABLE t PARTITION BY (a, b) ORDER BY ts DESC,
  MODEL db.m,
  DESCRIPTOR(a, b),
  MAP['async', 'true']
))sql"},
    {"SELECT * FROM TABLE(ML_PREDICT(INPUT => TABLE t, MODEL => MODEL m, ARGS => DESCRIPTOR(a), "
     "CONFIG => MAP['async', 'true']))",
     R"sql(SELECT *
FROM ML_PREDICT(
  INPUT => TABLE t,
  MODEL => MODEL m,
  ARGS => DESCRIPTOR(a),
  CONFIG => MAP['async', 'true']
))sql"},
    {"SELECT * FROM f(TABLE (SELECT a FROM t) PARTITION BY a, TABLE (g(TABLE u)), 1)",
     R"sql(SELECT *
FROM f(TABLE (SELECT a FROM t) PARTITION BY a, TABLE (g(TABLE u)), 1))sql"},
    {"SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS TRUE)", R"sql(SELECT *
FROM t MATCH_RECOGNIZE (
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A)
  DEFINE A AS TRUE
))sql"},
    {R"sql(SELECT * FROM t AS x MATCH_RECOGNIZE (
  PARTITION BY a, b ORDER BY ts, seq DESC
  MEASURES FIRST(A.x) AS f, RUNNING LAST(B.x) AS l, FINAL COUNT(*) AS n
  ALL ROWS PER MATCH SHOW EMPTY MATCHES
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (^ A* B+ C? D{2} E{2,} F{,3} G{1,3}? H*? (I | J K)+ {- L -} PERMUTE(M, N) () $)
  SUBSET U = (A, B), V = (C)
  DEFINE A AS x > 1, B AS B.x > PREV(B.x, 1)
) AS m)sql",
     R"sql(SELECT *
FROM t AS x MATCH_RECOGNIZE (
  PARTITION BY a, b
  ORDER BY ts, seq DESC
  MEASURES
    FIRST(A.x) AS f,
    RUNNING LAST(B.x) AS l,
    FINAL COUNT(*) AS n
  ALL ROWS PER MATCH SHOW EMPTY MATCHES
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (^ A* B+ C? D{2} E{2,} F{0,3} G{1,3}? H*? (I | J K)+ {- L -} PERMUTE(M, N) () $)
  SUBSET U = (A, B), V = (C)
  DEFINE
    A AS x > 1,
    B AS B.x > PREV(B.x, 1)
) AS m)sql"},
    {"SELECT * FROM t MATCH_RECOGNIZE (ALL ROWS PER MATCH AFTER MATCH SKIP TO B PATTERN (A B) "
     "WITHIN INTERVAL '1' HOUR DEFINE A AS TRUE)",
     R"sql(SELECT *
FROM t MATCH_RECOGNIZE (
  ALL ROWS PER MATCH
  AFTER MATCH SKIP TO LAST B
  PATTERN (A B) WITHIN INTERVAL '1' HOUR
  DEFINE A AS TRUE
))sql"},
    {"SELECT * FROM t MATCH_RECOGNIZE (ALL ROWS PER MATCH OMIT EMPTY MATCHES AFTER MATCH SKIP TO "
     "FIRST FIRST PATTERN (FIRST LAST) DEFINE FIRST AS TRUE)",
     R"sql(SELECT *
FROM t MATCH_RECOGNIZE (
  ALL ROWS PER MATCH OMIT EMPTY MATCHES
  AFTER MATCH SKIP TO FIRST FIRST
  PATTERN (FIRST LAST)
  DEFINE FIRST AS TRUE
))sql"},
    {"SELECT * FROM t MATCH_RECOGNIZE (ALL ROWS PER MATCH WITH UNMATCHED ROWS AFTER MATCH SKIP TO "
     "LAST PATTERN ((A B) C (D)) DEFINE A AS TRUE)",
     R"sql(SELECT *
FROM t MATCH_RECOGNIZE (
  ALL ROWS PER MATCH WITH UNMATCHED ROWS
  AFTER MATCH SKIP TO LAST LAST
  PATTERN ((A B) C D)
  DEFINE A AS TRUE
))sql"},
};

TEST(Query, IsReadAndPrinted) {
  for (const RoundTrip& query : kQueries) ExpectStatement(query);
}

}  // namespace
}  // namespace millrace::syntax
