CREATE TABLE events (
  id INT, k STRING, v INT, big BIGINT, d DOUBLE, amount DECIMAL(10, 2), ok BOOLEAN, word STRING, day_of DATE,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${data}/events.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

CREATE TABLE late (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${data}/late.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

CREATE TABLE clicks (
  id INT, ms BIGINT, v INT, moment AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR moment AS moment - INTERVAL '5' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${data}/clicks.csv', 'format' = 'csv');

CREATE VIEW minutes AS
SELECT k, window_time AS rowtime, SUM(v) AS s FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY k, window_start, window_end, window_time;

CREATE VIEW chosen AS
SELECT ts, id FROM events WHERE ok UNION ALL SELECT ts, v FROM events WHERE v > 0;
