-- Every reading scored by the model `wear`, whichever it is.
CREATE VIEW scored AS
SELECT n, machine, temperature, vibration, amps, condition_level, wear(
         CAST(t AS FLOAT), CAST(v AS FLOAT), CAST(i AS FLOAT), CAST(condition_level AS FLOAT)) AS wear
FROM features;

CREATE VIEW scores AS
SELECT n, machine, ROUND(temperature, 1) AS temperature, ROUND(vibration, 2) AS vibration,
       ROUND(amps, 1) AS amps,
       CASE condition_level WHEN 0 THEN 'idle' WHEN 1 THEN 'normal' ELSE 'heavy' END AS working,
       wear,
       CASE WHEN wear > 0.7 THEN 'ALERT' WHEN wear > 0.5 THEN 'watch' ELSE 'ok' END AS state
FROM scored;
