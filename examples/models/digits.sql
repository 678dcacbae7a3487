-- Images of digits, 8 x 8 pixels, which the model has not seen before.
SET 'execution.runtime-mode' = 'batch';

CREATE TABLE images (id BIGINT, written BIGINT, pixels ARRAY<FLOAT>)
WITH ('connector' = 'filesystem', 'path' = 'examples/models/data/digits.json', 'format' = 'json');

CREATE MODEL digits INPUT (pixels ARRAY<FLOAT>) OUTPUT (label BIGINT, probability FLOAT)
WITH ('provider' = 'onnx', 'path' = 'examples/models/repository/digits/1/model.onnx');

-- How often it is right.
SELECT ROUND(`result`['accuracy'], 2) AS accuracy, ROUND(`result`['f1'], 2) AS f1
FROM ML_EVALUATE(TABLE images, MODEL digits, DESCRIPTOR(written), DESCRIPTOR(pixels), 'classification', MAP['prediction', 'label']);

-- Those that were read wrongly, and how sure the model was.
SELECT id, written, digits(pixels).label AS seen, ROUND(CAST(digits(pixels).probability AS DOUBLE), 2) AS probability
FROM images WHERE seen <> written;
