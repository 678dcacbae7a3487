-- Payments are scored by a model on a server; the alias of the call is used in WHERE.
CREATE TABLE payments (
  id BIGINT, card STRING, amount FLOAT, `hour` FLOAT, distance FLOAT, recent FLOAT, ts TIMESTAMP(3), was_fraud BOOLEAN,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'examples/models/data/payments.json', 'format' = 'json');

-- Where the server has more to do than it can, requests of priority 1 go first.
CREATE MODEL fraud INPUT (amount FLOAT, `hour` FLOAT, distance FLOAT, recent FLOAT) OUTPUT (risk FLOAT)
WITH ('provider' = 'triton', 'endpoint' = 'http://localhost:8000', 'model-name' = 'fraud', 'priority' = '1', 'timeout' = '2 s');

CREATE VIEW refused AS
SELECT id, card, amount, ts, was_fraud, fraud(amount, `hour`, distance, recent) AS risk
FROM payments WHERE risk > 0.9;

SELECT id, card, amount, ROUND(CAST(risk AS DOUBLE), 3) AS risk, was_fraud FROM refused LIMIT 5;

-- The cards with more than two of them in ten minutes.
SELECT window_end, card, COUNT(*) AS payments, ROUND(SUM(CAST(amount AS DOUBLE)), 2) AS amount
FROM TABLE(TUMBLE(TABLE refused, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, card HAVING COUNT(*) > 2;
