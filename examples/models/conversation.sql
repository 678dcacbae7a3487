-- What each user is talking about: the model keeps the state of every conversation on the server.
CREATE TABLE messages (id BIGINT, user_id STRING, message STRING)
WITH ('connector' = 'filesystem', 'path' = 'examples/models/data/messages.json', 'format' = 'json');

CREATE MODEL conversation INPUT (message STRING, user_id STRING) OUTPUT (intent STRING, confidence FLOAT)
WITH ('provider' = 'triton', 'endpoint' = 'http://localhost:8000', 'model-name' = 'conversation',
      'sequence-id' = 'conversation-${user_id}', 'sequence-start' = 'true');

SELECT id, user_id, message, about.intent, ROUND(CAST(about.confidence AS DOUBLE), 2) AS confidence
FROM (SELECT id, user_id, message, conversation(LOWER(message), user_id) AS about FROM messages);
