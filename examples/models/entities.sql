-- Persons, places and companies in sentences; names that the model has never seen are known by their neighbours.
CREATE TABLE sentences (id BIGINT, sentence STRING)
WITH ('connector' = 'filesystem', 'path' = 'examples/models/data/sentences.json', 'format' = 'json');

CREATE MODEL entities INPUT (sentence STRING) OUTPUT (tokens ARRAY<STRING>, tags ARRAY<STRING>)
WITH ('provider' = 'onnx', 'path' = 'examples/models/repository/entities/1/model.onnx');

SELECT id, tokens[place] AS entity, tag
FROM ML_PREDICT(TABLE sentences, MODEL entities, DESCRIPTOR(sentence))
CROSS JOIN UNNEST(tags) WITH ORDINALITY AS t (tag, place)
WHERE tag NOT IN ('', 'O');
