-- Four presses; press-4 wears out. What the sensors measure is made from random numbers.
CREATE TABLE ticks (
  n BIGINT, load_level DOUBLE, a DOUBLE, b DOUBLE, c DOUBLE
) WITH (
  'connector' = 'datagen', 'rows-per-second' = '8', 'number-of-rows' = '80', 'seed' = '7',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000000',
  'fields.load_level.min' = '0', 'fields.load_level.max' = '1',
  'fields.a.min' = '-1', 'fields.a.max' = '1',
  'fields.b.min' = '-1', 'fields.b.max' = '1',
  'fields.c.min' = '-1', 'fields.c.max' = '1'
);

CREATE VIEW machines AS
SELECT n, 'press-' || CAST(MOD(n, 4) + 1 AS STRING) AS machine, load_level, a, b, c,
       CASE WHEN MOD(n, 4) = 3 THEN MOD(n, 80) / 80.0E0 ELSE 0.1E0 END AS true_wear
FROM ticks;

CREATE VIEW sensors AS
SELECT n, machine, load_level,
       45 + 20 * load_level + 25 * true_wear + 2 * a AS temperature,
       1.5 + load_level + 5 * true_wear * true_wear + 0.3 * b AS vibration,
       20 + 60 * load_level + 8 * true_wear + 2 * c AS amps
FROM machines;

-- The feature step: normalised readings and the working condition.
CREATE VIEW features AS
SELECT n, machine, temperature, vibration, amps,
       (temperature - 45) / 20 AS t,
       (vibration - 1.5) / 2.5 AS v,
       (amps - 20) / 60 AS i,
       CASE WHEN load_level < 0.3 THEN 0 WHEN load_level < 0.7 THEN 1 ELSE 2 END AS condition_level
FROM sensors;
