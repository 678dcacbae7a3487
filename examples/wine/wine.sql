-- Wines are scored by the newest model of their data type that is not newer than they are.
CREATE TABLE wine (
  fixed_acidity DOUBLE, volatile_acidity DOUBLE, citric_acid DOUBLE, residual_sugar DOUBLE, chlorides DOUBLE,
  free_sulfur_dioxide DOUBLE, total_sulfur_dioxide DOUBLE, density DOUBLE, pH DOUBLE, sulphates DOUBLE, alcohol DOUBLE,
  dataType STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = 'examples/wine/wine.csv', 'format' = 'csv');

CREATE TABLE model_updates (
  name STRING, dataType STRING, modeltype STRING, location STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = 'examples/wine/models.csv', 'format' = 'csv');

CREATE MODEL wine_quality
INPUT (
  fixed_acidity DOUBLE, volatile_acidity DOUBLE, citric_acid DOUBLE, residual_sugar DOUBLE, chlorides DOUBLE,
  free_sulfur_dioxide DOUBLE, total_sulfur_dioxide DOUBLE, density DOUBLE, pH DOUBLE, sulphates DOUBLE, alcohol DOUBLE
)
OUTPUT (quality DOUBLE)
WITH ('provider' = 'stream', 'source' = 'model_updates', 'key' = 'dataType', 'swap' = 'event-time');

-- Keyed: rows and models meet on the data type.
CREATE VIEW scored AS SELECT dataType, ts, alcohol, quality, LEFT(version, 15) AS version
FROM ML_PREDICT(
  TABLE wine PARTITION BY dataType, MODEL wine_quality,
  DESCRIPTOR(fixed_acidity, volatile_acidity, citric_acid, residual_sugar, chlorides, free_sulfur_dioxide,
             total_sulfur_dioxide, density, pH, sulphates, alcohol),
  MAP['version-column', 'version']);

SELECT * FROM scored;

-- What could not be served, and why.
SELECT dataType, location, reason FROM `scored$quarantined`;
