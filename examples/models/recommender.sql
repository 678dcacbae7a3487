-- Films for viewers: two inputs, one of them an array, and several outputs, which come as a ROW.
CREATE TABLE viewers (viewer BIGINT, seen ARRAY<BIGINT>)
WITH ('connector' = 'filesystem', 'path' = 'examples/models/data/viewers.json', 'format' = 'json');

CREATE MODEL recommender INPUT (viewer BIGINT, seen ARRAY<BIGINT>)
OUTPUT (films_to_see ARRAY<STRING>, scores ARRAY<FLOAT>, top_score FLOAT)
WITH ('provider' = 'onnx', 'path' = 'examples/models/repository/recommender/1/model.onnx');

SELECT viewer, place, film, ROUND(CAST(best.scores[place] AS DOUBLE), 1) AS score
FROM (SELECT viewer, recommender(viewer, seen) AS best FROM viewers)
CROSS JOIN UNNEST(best.films_to_see) WITH ORDINALITY AS f (film, place);
