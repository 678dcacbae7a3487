-- The queries, each under its name. "changelog": the changes themselves are recorded and compared, in their order; of the
-- others the rows that are left at the end. Both engines run them at parallelism 1.

-- tumble_all_aggregates
SELECT k, window_start, window_end, window_time, COUNT(*) AS n, COUNT(v) AS c, SUM(v) AS s, MIN(v) AS mi, MAX(v) AS ma, AVG(v) AS av
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end, window_time;

-- tumble_of_doubles_and_decimals
SELECT window_start, SUM(d) AS sd, AVG(d) AS ad, MIN(d) AS mi, MAX(d) AS ma, SUM(amount) AS sa, AVG(amount) AS aa, MIN(amount) AS ia, MAX(amount) AS xa
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '2' MINUTE)) GROUP BY window_start, window_end;

-- tumble_with_offset
SELECT window_start, window_end, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '17' MINUTE)) GROUP BY window_start, window_end;

-- tumble_text_and_dates
SELECT window_start, MIN(word) AS mi, MAX(word) AS ma, MIN(day_of) AS md, MAX(ts) AS mt, COUNT(DISTINCT word) AS cw
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' MINUTE)) GROUP BY window_start, window_end;

-- tumble_filter_and_distinct
SELECT k, window_end, COUNT(*) FILTER (WHERE v > 0) AS p, SUM(v) FILTER (WHERE ok) AS s, COUNT(DISTINCT v) AS cd, SUM(DISTINCT v) AS sd,
  COUNT(DISTINCT v) FILTER (WHERE d > 0) AS cf
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '3' MINUTE)) GROUP BY k, window_start, window_end;

-- tumble_of_filtered_rows
SELECT word, window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
WHERE v IS NOT NULL AND k IN ('a', 'b') GROUP BY word, window_start, window_end HAVING COUNT(*) > 1;

-- tumble_by_expression
SELECT UPPER(k) AS u, MOD(id, 3) AS m, window_start, SUM(v * 2 + 1) AS s
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '4' MINUTE)) GROUP BY UPPER(k), MOD(id, 3), window_start, window_end;

-- window_rows_without_aggregation
SELECT id, k, window_start, window_end, window_time FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) WHERE id < 40;

-- hop_rows_without_aggregation
SELECT id, window_start, window_end FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '90' SECOND)) WHERE id < 20;

-- hop_all_aggregates
SELECT k, window_start, window_end, COUNT(*) AS n, SUM(v) AS s, AVG(d) AS a, MIN(amount) AS mi, MAX(big) AS ma
FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '2' MINUTE)) GROUP BY k, window_start, window_end;

-- hop_distinct
SELECT window_start, window_end, COUNT(DISTINCT k) AS ks, COUNT(DISTINCT word) FILTER (WHERE ok) AS ws
FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)) GROUP BY window_start, window_end;

-- hop_with_offset
SELECT window_start, window_end, SUM(big) AS s
FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '4' MINUTE, INTERVAL '15' SECOND)) GROUP BY window_start, window_end;

-- cumulate_all_aggregates
SELECT k, window_start, window_end, COUNT(*) AS n, SUM(v) AS s, MAX(d) AS m
FROM TABLE(CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)) GROUP BY k, window_start, window_end;

-- cumulate_of_all
SELECT window_start, window_end, window_time, COUNT(DISTINCT v) AS c, AVG(v) AS a
FROM TABLE(CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '10' MINUTE)) GROUP BY window_start, window_end, window_time;

-- session_by_key
SELECT k, window_start, window_end, COUNT(*) AS n, SUM(v) AS s, MIN(id) AS i
FROM TABLE(SESSION(TABLE events PARTITION BY k, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end;

-- session_of_all
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(amount) AS s
FROM TABLE(SESSION(TABLE events, DESCRIPTOR(ts), INTERVAL '12' SECOND)) GROUP BY window_start, window_end, window_time;

-- late_rows_tumble
SELECT k, window_start, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE late, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;

-- late_rows_hop
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(HOP(TABLE late, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end;

-- late_rows_session
SELECT k, window_start, window_end, COUNT(*) AS n FROM TABLE(SESSION(TABLE late PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end;

-- local_days
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '1' DAY)) GROUP BY window_start, window_end, window_time;

-- local_hours
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(moment), INTERVAL '3' HOUR, INTERVAL '6' HOUR)) GROUP BY window_start, window_end;

-- local_sessions
SELECT window_start, window_end, COUNT(*) AS n, MAX(id) AS i FROM TABLE(SESSION(TABLE clicks, DESCRIPTOR(moment), INTERVAL '40' MINUTE)) GROUP BY window_start, window_end;

-- local_window_top_n
SELECT id, v, window_end, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC, id ASC) AS rn
  FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '12' HOUR))
) WHERE rn <= 2;

-- local_window_top_n_of_aggregates
SELECT window_start, m, s, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY s DESC, m ASC) AS rn FROM (
    SELECT MOD(id, 5) AS m, window_start, window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '8' HOUR)) GROUP BY MOD(id, 5), window_start, window_end)
) WHERE rn <= 2;

-- local_window_of_windows
SELECT window_start, window_end, MAX(s) AS m, COUNT(*) AS n FROM (
  SELECT MOD(id, 5) AS m, window_start, window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '8' HOUR)) GROUP BY MOD(id, 5), window_start, window_end
) GROUP BY window_start, window_end;

-- local_times
SELECT id, CAST(moment AS STRING) AS s, CAST(moment AS TIMESTAMP(3)) AS t, CAST(moment AS DATE) AS d, EXTRACT(HOUR FROM moment) AS h, FLOOR(moment TO DAY) AS f, DATE_FORMAT(moment, 'yyyy-MM-dd HH:mm') AS df, moment + INTERVAL '1' DAY AS n, FROM_UNIXTIME(ms / 1000) AS fu
FROM clicks WHERE id BETWEEN 20 AND 60;

-- window_grouping_sets
SELECT k, ok, window_start, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, GROUPING SETS ((k, ok), (k), ());

-- window_rollup
SELECT k, word, window_end, SUM(amount) AS s FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '15' MINUTE))
GROUP BY window_start, window_end, ROLLUP (k, word);

-- window_cube
SELECT ok, word, window_end, COUNT(*) AS n FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '20' MINUTE))
GROUP BY window_start, window_end, CUBE (ok, word);

-- cascaded_windows
SELECT window_start, window_end, SUM(s) AS s, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE minutes, DESCRIPTOR(rowtime), INTERVAL '5' MINUTE)) GROUP BY window_start, window_end;

-- aggregate_of_window_aggregate
SELECT window_start, window_end, MAX(s) AS m, COUNT(*) AS n FROM (
  SELECT k, window_start, window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '2' MINUTE)) GROUP BY k, window_start, window_end
) GROUP BY window_start, window_end;

-- window_top_n_of_rows
SELECT id, k, v, window_end, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC, id ASC) AS rn
  FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' MINUTE))
) WHERE rn <= 3;

-- window_top_n_without_number
SELECT id, word, window_start, window_end FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY d ASC, id DESC) AS rn
  FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '4' MINUTE))
) WHERE rn <= 2;

-- window_top_n_of_aggregates
SELECT k, s, window_start, window_end, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY s DESC, k ASC) AS rn FROM (
    SELECT k, window_start, window_end, SUM(big) AS s FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '3' MINUTE)) GROUP BY k, window_start, window_end)
) WHERE rn <= 2;

-- window_top_n_from_the_second
SELECT id, window_end, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY big DESC) AS rn
  FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '4' MINUTE))
) WHERE rn BETWEEN 2 AND 4;

-- window_deduplicate_first
SELECT id, k, ts, window_start, window_end FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts ASC) AS rn
  FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '3' MINUTE))
) WHERE rn = 1;

-- window_deduplicate_last
SELECT id, k, ts, window_start, window_end FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC) AS rn
  FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '3' MINUTE))
) WHERE rn = 1;

-- late_window_deduplicate
SELECT id, k, ts, window_end FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC) AS rn
  FROM TABLE(TUMBLE(TABLE late, DESCRIPTOR(ts), INTERVAL '15' SECOND))
) WHERE rn = 1;

-- late_window_top_n
SELECT id, v, window_end, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC, id ASC) AS rn
  FROM TABLE(TUMBLE(TABLE late, DESCRIPTOR(ts), INTERVAL '15' SECOND))
) WHERE rn <= 3;

-- group_aggregate (changelog)
SELECT k, COUNT(*) AS n, SUM(v) AS s, MIN(v) AS mi, MAX(d) AS ma FROM events GROUP BY k;

-- global_aggregate (changelog)
SELECT COUNT(*) AS n, SUM(v) AS s, MAX(word) AS w FROM events WHERE id < 60;

-- distinct_rows (changelog)
SELECT DISTINCT k, ok FROM events;

-- group_distinct_and_filter (changelog)
SELECT word, COUNT(DISTINCT k) AS ks, COUNT(DISTINCT v) FILTER (WHERE ok) AS vs, SUM(v) FILTER (WHERE d > 0) AS s FROM events GROUP BY word;

-- group_having (changelog)
SELECT k, SUM(v) AS s FROM events GROUP BY k HAVING SUM(v) > 5;

-- aggregate_of_aggregate (changelog)
SELECT n, COUNT(*) AS words FROM (SELECT word, k, COUNT(*) AS n FROM events WHERE id < 80 GROUP BY word, k) GROUP BY n;

-- group_all_aggregates
SELECT ok, COUNT(*) AS n, AVG(v) AS av, AVG(d) AS ad, AVG(amount) AS aa, SUM(amount) AS sa, SUM(big) AS sb, AVG(big) AS ab, MIN(day_of) AS md, MAX(ts) AS mt
FROM events GROUP BY ok;

-- group_deviations
SELECT k, STDDEV_POP(d) AS sp, STDDEV_SAMP(d) AS ss, VAR_POP(d) AS vp, VAR_SAMP(d) AS vs FROM events GROUP BY k;

-- group_first_and_last
SELECT k, FIRST_VALUE(v) AS f, LAST_VALUE(v) AS l FROM events GROUP BY k;

-- group_listagg
SELECT k, LISTAGG(word) AS w, LISTAGG(word, '|') AS p FROM events WHERE id < 60 GROUP BY k;

-- grouping_sets
SELECT k, ok, COUNT(*) AS n, SUM(v) AS s, GROUPING(k) AS gk, GROUPING_ID(k, ok) AS g FROM events GROUP BY GROUPING SETS ((k, ok), (ok), ());

-- rollup
SELECT k, word, COUNT(*) AS n FROM events GROUP BY ROLLUP (k, word);

-- cube
SELECT ok, word, SUM(amount) AS s FROM events GROUP BY CUBE (ok, word);

-- top_n_with_number (changelog)
SELECT id, k, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id ASC) AS rn FROM events) WHERE rn <= 3;

-- top_n_without_number (changelog)
SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id ASC) AS rn FROM events) WHERE rn <= 3;

-- top_n_ties (changelog)
SELECT id, word, ok FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY word ORDER BY ok ASC) AS rn FROM events) WHERE rn <= 2;

-- top_n_from_the_second
SELECT id, k, d, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY d DESC NULLS LAST, id ASC) AS rn FROM events) WHERE rn BETWEEN 2 AND 4;

-- top_n_nulls_first
SELECT id, k, amount FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY amount ASC NULLS FIRST, word DESC, id ASC) AS rn FROM events) WHERE rn <= 4;

-- top_1 (changelog)
SELECT k, id, d FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY d ASC NULLS LAST, id ASC) AS rn FROM events) WHERE rn = 1;

-- top_n_of_aggregate
SELECT k, s, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY s DESC, k ASC) AS rn FROM (SELECT k, SUM(v) AS s FROM events GROUP BY k)) WHERE rn <= 3;

-- top_n_of_aggregate_without_number
SELECT word, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, word ASC) AS rn FROM (SELECT word, COUNT(*) AS n FROM events WHERE v > 0 GROUP BY word)) WHERE rn <= 2;

-- order_by_limit
SELECT id, d FROM events ORDER BY d DESC, id ASC LIMIT 7;

-- order_by_limit_offset
SELECT id, word, v FROM events ORDER BY word ASC, v DESC, id ASC LIMIT 5 OFFSET 4;

-- order_aggregate_limit
SELECT k, COUNT(*) AS n FROM events GROUP BY k ORDER BY n DESC, k ASC LIMIT 2;

-- deduplicate_first_by_rowtime
SELECT id, k, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts ASC) AS rn FROM events) WHERE rn = 1;

-- deduplicate_last_by_rowtime (changelog)
SELECT id, k, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM events) WHERE rn = 1;

-- deduplicate_first_by_proctime (changelog)
SELECT id, k, word FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k, word ORDER BY PROCTIME() ASC) AS rn FROM events) WHERE rn = 1;

-- deduplicate_last_by_proctime (changelog)
SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY PROCTIME() DESC) AS rn FROM events) WHERE rn = 1;

-- late_deduplicate_first
SELECT id, k, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k, v ORDER BY ts ASC) AS rn FROM late) WHERE rn = 1;

-- integer_arithmetic
SELECT id, v + 1 AS a, v - big AS b, v * 3 AS c, v / 3 AS d1, v / 7 AS d2, MOD(v, 7) AS m, v % 5 AS p, -v AS neg, ABS(v) AS ab, SIGN(v) AS sg FROM events WHERE id < 60;

-- integer_overflow
SELECT id, CAST(v AS TINYINT) * CAST(100 AS TINYINT) AS t, big * 9000000 AS b, CAST(v * 200000000 AS INT) AS i FROM events WHERE id < 40;

-- decimal_arithmetic
SELECT id, amount + 1 AS a, amount * amount AS b, amount - CAST(0.005 AS DECIMAL(5, 3)) AS c, amount / 3 AS d1, amount / CAST(7.5 AS DECIMAL(4, 2)) AS d2, MOD(amount, 7) AS m
FROM events WHERE id < 60;

-- decimal_division_of_sums
SELECT word, SUM(amount) / COUNT(*) AS a, SUM(v) / COUNT(v) AS b, CAST(SUM(amount) AS DECIMAL(20, 4)) / CAST(COUNT(*) AS DECIMAL(10, 2)) AS c FROM events GROUP BY word;

-- decimal_casts
SELECT id, CAST(amount AS INT) AS i, CAST(amount AS DOUBLE) AS d1, CAST(amount AS STRING) AS s, CAST(amount AS DECIMAL(6, 1)) AS r, CAST(d AS DECIMAL(8, 2)) AS e, CAST(amount AS DECIMAL(4, 2)) AS o
FROM events WHERE ABS(amount) < 400;

-- rounding
SELECT id, ROUND(d, 1) AS r1, ROUND(d, 0) AS r0, ROUND(amount, 1) AS ra, ROUND(amount) AS rb, ROUND(big, -3) AS rc, FLOOR(d) AS f, CEIL(d) AS c, FLOOR(amount) AS fa, CEIL(amount) AS ca, TRUNCATE(d, 1) AS t, TRUNCATE(amount, 1) AS ta
FROM events WHERE id < 60;

-- double_functions
SELECT id, SQRT(ABS(d)) AS sq, POWER(d, 2) AS p, EXP(d / 100) AS e, LN(ABS(d) + 1) AS l, LOG10(ABS(d) + 1) AS l10, LOG2(ABS(d) + 1) AS l2, SIN(d) AS s, ATAN2(d, 2) AS a, d / 3 AS q
FROM events WHERE id < 40;

-- number_casts
SELECT id, CAST(d AS INT) AS i, CAST(d AS BIGINT) AS b, CAST(d AS STRING) AS s, CAST(v AS STRING) AS vs, CAST(v AS DOUBLE) AS vd, CAST(big AS DOUBLE) AS bd, CAST(v AS BOOLEAN) AS vb, CAST(ok AS INT) AS oi, CAST(ok AS STRING) AS os
FROM events WHERE id < 60;

-- float_texts
SELECT CAST(x AS STRING) AS s, CAST(CAST(x AS FLOAT) AS STRING) AS f FROM (VALUES (1.0E0), (0.1E0), (1.0E7), (12345678.9E0), (1.0E-3), (1.0E-4), (1.5E300), (-2.5E-10), (100.0E0), (3.3333333333E0)) AS t (x);

-- text_casts
SELECT CAST('12' AS INT) AS a, TRY_CAST('x' AS INT) AS b, CAST(' 7 ' AS BIGINT) AS c, CAST('1.5' AS DOUBLE) AS d1, CAST('12.345' AS DECIMAL(6, 2)) AS e, TRY_CAST('1e3' AS DOUBLE) AS f, CAST('true' AS BOOLEAN) AS g,
  TRY_CAST('yes' AS BOOLEAN) AS h, CAST('2024-02-29' AS DATE) AS i, CAST('2024-02-29 12:34:56.789' AS TIMESTAMP(3)) AS j, TRY_CAST('2024-02-30' AS DATE) AS l, CAST('12:34:56' AS TIME) AS m, TRY_CAST('3.7' AS INT) AS n
FROM (VALUES (1)) AS t (x);

-- text_functions
SELECT id, CHAR_LENGTH(word) AS l, UPPER(word) AS u, LOWER(word) AS lo, TRIM(word) AS t, SUBSTRING(word, 2, 3) AS s, SUBSTRING(word FROM -2) AS sm, POSITION('m' IN word) AS p, LPAD(word, 7, '*') AS lp, RPAD(word, 3, '-') AS rp,
  REPLACE(word, 'i', 'ee') AS r, REVERSE(word) AS rv, INITCAP(word) AS ic, word || '/' || k AS cc, CONCAT_WS('-', k, word) AS cw, LEFT(word, 2) AS le, REPEAT(word, 2) AS rr, REGEXP_REPLACE(word, '[aeiou]', '_') AS rx, SPLIT_INDEX(word, 'a', 1) AS si
FROM events WHERE id < 30;

-- conditions
SELECT id, CASE WHEN v > 10 THEN 'high' WHEN v > 0 THEN 'low' ELSE 'none' END AS c, COALESCE(v, 0) AS co, NULLIF(v, 3) AS nu, IF(ok, 'y', 'n') AS i, v BETWEEN 0 AND 9 AS b, k IN ('a', 'c') AS n, word LIKE '%m%' AS l, v IS NULL AS isn,
  ok AND v > 0 AS a3, ok OR v > 0 AS o3, NOT ok AS n3, ok IS NOT TRUE AS nt, GREATEST(v, 5) AS g, LEAST(v, 5) AS le, v IS DISTINCT FROM 5 AS df
FROM events WHERE id < 60;

-- temporal_parts
SELECT id, EXTRACT(YEAR FROM day_of) AS y, EXTRACT(MONTH FROM day_of) AS mo, EXTRACT(DAY FROM ts) AS da, EXTRACT(HOUR FROM ts) AS h, EXTRACT(SECOND FROM ts) AS s, QUARTER(day_of) AS q, WEEK(day_of) AS w, DAYOFYEAR(day_of) AS dy, DAYOFWEEK(day_of) AS dw
FROM events WHERE id < 40;

-- temporal_arithmetic
SELECT id, ts + INTERVAL '1' DAY AS a, ts - INTERVAL '90' SECOND AS b, ts + INTERVAL '1' MONTH AS c, day_of + INTERVAL '10' DAY AS d1, day_of + INTERVAL '1' MONTH AS e, TIMESTAMPADD(HOUR, 5, ts) AS f, TIMESTAMPDIFF(DAY, CAST(day_of AS TIMESTAMP(3)), ts) AS g,
  TIMESTAMPDIFF(MONTH, CAST(day_of AS TIMESTAMP(3)), ts) AS h
FROM events WHERE id < 40;

-- temporal_differences
SELECT a, b, TIMESTAMPDIFF(MONTH, a, b) AS m, TIMESTAMPDIFF(QUARTER, a, b) AS q, TIMESTAMPDIFF(YEAR, a, b) AS y, TIMESTAMPDIFF(DAY, a, b) AS d, TIMESTAMPDIFF(WEEK, a, b) AS w, TIMESTAMPDIFF(HOUR, a, b) AS h
FROM (VALUES (TIMESTAMP '2024-12-28 10:00:00', TIMESTAMP '2024-02-28 05:00:00'), (TIMESTAMP '2024-12-28 05:00:00', TIMESTAMP '2024-02-28 10:00:00'),
  (TIMESTAMP '2024-01-31 10:00:00', TIMESTAMP '2024-02-29 09:00:00'), (TIMESTAMP '2024-01-31 10:00:00', TIMESTAMP '2024-02-29 11:00:00'), (TIMESTAMP '2024-03-31 00:00:00', TIMESTAMP '2024-02-29 00:00:00'),
  (TIMESTAMP '2020-02-29 00:00:00', TIMESTAMP '2024-02-28 23:59:59'), (TIMESTAMP '2024-02-28 23:59:59', TIMESTAMP '2020-02-29 00:00:00')) AS t (a, b);

-- temporal_rounding
SELECT id, FLOOR(ts TO MINUTE) AS a, CEIL(ts TO HOUR) AS b, FLOOR(ts TO DAY) AS c, FLOOR(day_of TO MONTH) AS d1, CEIL(day_of TO MONTH) AS e, FLOOR(ts TO YEAR) AS f FROM events WHERE id < 40;

-- temporal_texts
SELECT id, DATE_FORMAT(ts, 'yyyy/MM/dd HH:mm:ss') AS a, CAST(ts AS STRING) AS b, CAST(day_of AS STRING) AS c, CAST(ts AS DATE) AS d1, CAST(ts AS TIME) AS e, CAST(CAST(ts AS TIMESTAMP(0)) AS STRING) AS f, TO_DATE('2024-03-01') AS g, TO_TIMESTAMP('2024-03-01 01:02:03') AS h
FROM events WHERE id < 20;

-- union_all
SELECT id, k FROM events WHERE v > 15 UNION ALL SELECT v, word FROM events WHERE id < 20;

-- union_distinct
SELECT k FROM events WHERE v > 5 UNION SELECT word FROM events WHERE id < 20;

-- union_then_window
SELECT window_start, COUNT(*) AS n, SUM(id) AS s FROM TABLE(TUMBLE(TABLE chosen, DESCRIPTOR(ts), INTERVAL '2' MINUTE)) GROUP BY window_start, window_end;

-- decimal_aggregates
SELECT MOD(id, 4) AS m, SUM(CAST(amount AS DECIMAL(38, 10))) AS a, AVG(CAST(amount AS DECIMAL(5, 0))) AS b, AVG(CAST(v AS DECIMAL(20, 5))) AS c, MIN(amount * 3) AS d1, MAX(amount / 7) AS e, SUM(CAST(d AS FLOAT)) AS f, AVG(CAST(v AS SMALLINT)) AS g
FROM events WHERE ABS(amount) < 900 GROUP BY MOD(id, 4);

-- null_handling
SELECT id, v + CAST(NULL AS INT) AS a, k || CAST(NULL AS STRING) AS b, v = CAST(NULL AS INT) AS c, NULLIF(k, 'a') IS NULL AS d1, COALESCE(CAST(NULL AS INT), v, 3) AS e, k NOT IN ('a', 'b') AS f, v IN (1, 2, CAST(NULL AS INT)) AS g, CASE k WHEN 'a' THEN 1 WHEN 'b' THEN 2 END AS h,
  amount > 0 AND ok AS i, (v > 0) IS UNKNOWN AS j, CONCAT('x', k) AS l, v <> 5 AS m FROM events WHERE id < 60;

-- unnest
SELECT id, x FROM events CROSS JOIN UNNEST(ARRAY[id, v, 7]) AS t (x) WHERE id < 20;

-- unnest_then_group
SELECT x, COUNT(*) AS n FROM events CROSS JOIN UNNEST(ARRAY[k, word]) AS t (x) GROUP BY x;

-- subquery
SELECT w, n * 2 AS m FROM (SELECT TRIM(word) AS w, COUNT(*) AS n FROM events WHERE d IS NOT NULL GROUP BY TRIM(word)) WHERE n > 30;

-- common_table_expression
WITH good AS (SELECT id, k, v FROM events WHERE ok), sums AS (SELECT k, SUM(v) AS s FROM good GROUP BY k) SELECT k, s FROM sums WHERE s IS NOT NULL;
