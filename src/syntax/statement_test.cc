#include <gtest/gtest.h>

#include "syntax/testing.h"

namespace millrace::syntax {
namespace {

constexpr RoundTrip kStatements[] = {
    {"INSERT INTO t SELECT * FROM u", R"sql(INSERT INTO t
SELECT *
FROM u)sql"},
    {"EXECUTE INSERT INTO t VALUES (1)", R"sql(INSERT INTO t
VALUES (1))sql"},
    {"INSERT OVERWRITE cat.db.t /*+ OPTIONS('a' = 'b') */ PARTITION (d = '1', e = 2) (a, b) SELECT "
     "a, b FROM u",
     R"sql(INSERT OVERWRITE cat.db.t /*+ OPTIONS('a' = 'b') */ PARTITION (d = '1', e = 2) (a, b)
SELECT a, b
FROM u)sql"},
    {"INSERT INTO t (SELECT 1)", R"sql(INSERT INTO t
SELECT 1)sql"},
    {"INSERT INTO TABLE t WITH x AS (SELECT 1) SELECT * FROM x", R"sql(INSERT INTO t
WITH x AS (SELECT 1)
SELECT *
FROM x)sql"},
    {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN y "
     "END; END",
     R"sql(EXECUTE STATEMENT SET
BEGIN
  INSERT INTO a
  SELECT 1;
  INSERT INTO b
  SELECT CASE WHEN x THEN y END;
END)sql"},
    {"BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END;", R"sql(EXECUTE STATEMENT SET
BEGIN
  INSERT INTO a
  SELECT 1;
END)sql"},
    {"CREATE TABLE t (a INT)", R"sql(CREATE TABLE t (
  a INT
))sql"},
    {R"sql(CREATE TEMPORARY TABLE IF NOT EXISTS c.d.t (
  id BIGINT NOT NULL COMMENT 'the key',
  name VARCHAR(20) PRIMARY KEY NOT ENFORCED,
  cost AS price * quantity COMMENT 'computed',
  `offset` BIGINT METADATA VIRTUAL,
  `key` STRING METADATA FROM 'k' VIRTUAL COMMENT 'x',
  ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) COMMENT 'a table' DISTRIBUTED BY HASH(id) INTO 4 BUCKETS PARTITIONED BY (name, id)
WITH ('connector' = 'kafka', 'headers' = MAP['a', 'b', 'c', 'd']))sql",
     R"sql(CREATE TEMPORARY TABLE IF NOT EXISTS c.d.t (
  id BIGINT NOT NULL COMMENT 'the key',
  name VARCHAR(20),
  cost AS price * quantity COMMENT 'computed',
  `offset` BIGINT METADATA VIRTUAL,
  key STRING METADATA FROM 'k' VIRTUAL COMMENT 'x',
  ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND,
  PRIMARY KEY (name) NOT ENFORCED
)
COMMENT 'a table'
DISTRIBUTED BY HASH (id) INTO 4 BUCKETS
PARTITIONED BY (name, id)
WITH (
  'connector' = 'kafka',
  'headers' = MAP['a', 'b', 'c', 'd']
))sql"},
    {"CREATE TABLE t (a INT, b INT, CONSTRAINT pk PRIMARY KEY (a, b) NOT ENFORCED, WATERMARK FOR "
     "r.ts AS r.ts)",
     R"sql(CREATE TABLE t (
  a INT,
  b INT,
  WATERMARK FOR r.ts AS r.ts,
  CONSTRAINT pk PRIMARY KEY (a, b) NOT ENFORCED
))sql"},
    {"CREATE TABLE t (a INT) DISTRIBUTED BY RANGE (a)", R"sql(CREATE TABLE t (
  a INT
)
DISTRIBUTED BY RANGE (a))sql"},
    {"CREATE TABLE t (a INT) DISTRIBUTED BY (a) INTO 2 BUCKETS", R"sql(CREATE TABLE t (
  a INT
)
DISTRIBUTED BY (a) INTO 2 BUCKETS)sql"},
    {"CREATE TABLE t (a INT) DISTRIBUTED INTO 2 BUCKETS", R"sql(CREATE TABLE t (
  a INT
)
DISTRIBUTED INTO 2 BUCKETS)sql"},
    {"CREATE TABLE t LIKE u", R"sql(CREATE TABLE t
LIKE u)sql"},
    {"CREATE TABLE t (b INT) WITH ('k' = 'v') LIKE db.u (INCLUDING ALL EXCLUDING OPTIONS "
     "OVERWRITING WATERMARKS)",
     R"sql(CREATE TABLE t (
  b INT
)
WITH ('k' = 'v')
LIKE db.u (INCLUDING ALL EXCLUDING OPTIONS OVERWRITING WATERMARKS))sql"},
    {"CREATE TABLE t WITH ('connector' = 'print') AS SELECT * FROM u", R"sql(CREATE TABLE t
WITH ('connector' = 'print')
AS
SELECT *
FROM u)sql"},
    {"CREATE VIEW v AS SELECT 1", R"sql(CREATE VIEW v AS
SELECT 1)sql"},
    {"CREATE OR REPLACE TEMPORARY VIEW IF NOT EXISTS db.v (a, b COMMENT 'second') COMMENT 'a view' "
     "AS SELECT 1, 2",
     R"sql(CREATE OR REPLACE TEMPORARY VIEW IF NOT EXISTS db.v (a, b COMMENT 'second')
COMMENT 'a view'
AS
SELECT 1, 2)sql"},
    {"CREATE MODEL m WITH ('provider' = 'triton')", R"sql(CREATE MODEL m
WITH ('provider' = 'triton'))sql"},
    {"CREATE TEMPORARY MODEL IF NOT EXISTS c.d.m OUTPUT (score FLOAT) INPUT (a DOUBLE COMMENT "
     "'amount', b ARRAY<FLOAT>) COMMENT 'a model' WITH ('provider' = 'triton', 'custom-headers' = "
     "MAP['X', 'y']) AS SELECT 1",
     R"sql(CREATE TEMPORARY MODEL IF NOT EXISTS c.d.m
INPUT (a DOUBLE COMMENT 'amount', b ARRAY<FLOAT>)
OUTPUT (score FLOAT)
COMMENT 'a model'
WITH (
  'provider' = 'triton',
  'custom-headers' = MAP['X', 'y']
)
AS
SELECT 1)sql"},
    {"CREATE FUNCTION clip AS 'plugins.clip' LANGUAGE PYTHON", ""},
    {"CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS f AS 'a.b' LANGUAGE JAVA USING JAR '/a.jar', "
     "JAR '/b.jar'",
     ""},
    {"CREATE TEMPORARY FUNCTION db.f AS 'lib.so' LANGUAGE CPP WITH ('isolation' = 'process', "
     "'workers' = '2')",
     R"sql(CREATE TEMPORARY FUNCTION db.f AS 'lib.so' LANGUAGE CPP WITH (
  'isolation' = 'process',
  'workers' = '2'
))sql"},
    {"DROP TABLE IF EXISTS a.b", ""},
    {"DROP TEMPORARY VIEW v", ""},
    {"DROP MODEL IF EXISTS m", ""},
    {"DROP TEMPORARY SYSTEM FUNCTION f", ""},
    {"ALTER TABLE IF EXISTS t RENAME TO db.u", ""},
    {"ALTER TABLE t RENAME a TO b", ""},
    {"ALTER TABLE t SET ('a' = 'b', 'c' = 'd')", R"sql(ALTER TABLE t SET (
  'a' = 'b',
  'c' = 'd'
))sql"},
    {"ALTER TABLE t RESET ('a', 'b')", ""},
    {"ALTER TABLE t ADD a INT COMMENT 'x' FIRST", "ALTER TABLE t ADD (a INT COMMENT 'x' FIRST)"},
    {"ALTER TABLE t ADD COLUMN a INT", "ALTER TABLE t ADD (a INT)"},
    {"ALTER TABLE t ADD (a INT AFTER b, c AS d FIRST, WATERMARK FOR ts AS ts, PRIMARY KEY (a) NOT "
     "ENFORCED)",
     R"sql(ALTER TABLE t ADD (
  a INT AFTER b,
  c AS d FIRST,
  WATERMARK FOR ts AS ts,
  PRIMARY KEY (a) NOT ENFORCED
))sql"},
    {"ALTER TABLE t MODIFY (a BIGINT, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)", ""},
    {"ALTER TABLE t DROP a", "ALTER TABLE t DROP (a)"},
    {"ALTER TABLE t DROP (a, b)", ""},
    {"ALTER TABLE t DROP PRIMARY KEY", ""},
    {"ALTER TABLE t DROP CONSTRAINT pk", ""},
    {"ALTER TABLE t DROP WATERMARK", ""},
    {"ALTER VIEW v RENAME TO w", ""},
    {"ALTER VIEW v AS SELECT 1", R"sql(ALTER VIEW v AS
SELECT 1)sql"},
    {"ALTER MODEL IF EXISTS m SET ('timeout' = '5 s')", ""},
    {"ALTER MODEL m RESET ('timeout')", ""},
    {"ALTER MODEL m RENAME TO n", ""},
    {"ALTER MODEL m SET VERSION 7", ""},
    {"ALTER MODEL m SET VERSION 'v2'", ""},
    {"ALTER FUNCTION IF EXISTS f AS 'x' LANGUAGE SQL", ""},
    {"SHOW TABLES", ""},
    {"SHOW VIEWS IN db", "SHOW VIEWS FROM db"},
    {"SHOW MODELS FROM c.d NOT LIKE 'a%'", ""},
    {"SHOW FUNCTIONS ILIKE 'a%'", ""},
    {"SHOW USER FUNCTIONS", ""},
    {"SHOW DATABASES LIKE 'x'", ""},
    {"SHOW CATALOGS", ""},
    {"SHOW COLUMNS IN t LIKE 'a'", "SHOW COLUMNS FROM t LIKE 'a'"},
    {"SHOW JOBS", ""},
    {"SHOW CURRENT CATALOG", ""},
    {"SHOW CURRENT DATABASE", ""},
    {"SHOW CREATE TABLE t", ""},
    {"SHOW CREATE VIEW db.v", ""},
    {"SHOW CREATE MODEL m", ""},
    {"DESCRIBE t", ""},
    {"DESC MODEL EXTENDED db.m", "DESCRIBE MODEL EXTENDED db.m"},
    {"DESCRIBE EXTENDED t", ""},
    {"DESCRIBE TABLE t", "DESCRIBE t"},
    {"DESCRIBE FUNCTION f", ""},
    {"DESCRIBE model", ""},
    {"DESCRIBE CATALOG EXTENDED c", ""},
    {"EXPLAIN SELECT 1", R"sql(EXPLAIN
SELECT 1)sql"},
    {"EXPLAIN PLAN FOR INSERT INTO t SELECT 1", R"sql(EXPLAIN
INSERT INTO t
SELECT 1)sql"},
    {"EXPLAIN ESTIMATED_COST, CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE SELECT 1",
     R"sql(EXPLAIN ESTIMATED_COST, CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE
SELECT 1)sql"},
    {"EXPLAIN JSON SELECT 1", R"sql(EXPLAIN JSON
SELECT 1)sql"},
    {"EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END", R"sql(EXPLAIN
EXECUTE STATEMENT SET
BEGIN
  INSERT INTO a
  SELECT 1;
END)sql"},
    {"SET", ""},
    {"SET 'a.b' = 'it''s'", ""},
    {"SET table.exec.mini-batch.enabled = true", "SET 'table.exec.mini-batch.enabled' = 'true'"},
    {"SET state.ttl = 1 h", "SET 'state.ttl' = '1 h'"},
    {"SET execution.checkpointing.dir = file:///tmp/x",
     "SET 'execution.checkpointing.dir' = 'file:///tmp/x'"},
    {"RESET", ""},
    {"RESET 'a.b'", ""},
    {"RESET a.b-c", "RESET 'a.b-c'"},
    {"USE db", ""},
    {"USE c.db", ""},
    {"USE DATABASE db", "USE db"},
    {"USE CATALOG c", ""},
    {"USE catalog", ""},
    {"STOP JOB 'x'", ""},
    {"STOP JOB 'x' WITH SAVEPOINT WITH DRAIN", ""},
};

TEST(Statement, IsReadAndPrinted) {
  for (const RoundTrip& statement : kStatements) ExpectStatement(statement);
}

}  // namespace
}  // namespace millrace::syntax
