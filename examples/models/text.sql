-- Tickets are sorted by what their text is about.
CREATE TABLE tickets (id BIGINT, message STRING, topic STRING)
WITH ('connector' = 'filesystem', 'path' = 'examples/models/data/tickets.json', 'format' = 'json');

CREATE MODEL text INPUT (message STRING) OUTPUT (label STRING, probability FLOAT)
WITH ('provider' = 'onnx', 'path' = 'examples/models/repository/text/1/model.onnx');

CREATE VIEW lower_case AS SELECT id, topic, LOWER(message) AS message FROM tickets;

SELECT id, message, label, ROUND(CAST(probability AS DOUBLE), 2) AS probability
FROM ML_PREDICT(TABLE lower_case, MODEL text, DESCRIPTOR(message));
