#include "formats/protobuf.h"

namespace millrace {

FormatSpec ProtobufFormat() {
  FormatSpec spec;
  spec.name = "protobuf";
  spec.doc =
      "Protocol Buffers: one message a record, for queues. The .proto file is read when a job "
      "starts; columns are the message's fields by name, those left out are skipped. Enums are "
      "STRING (or INT), messages ROW, repeated fields ARRAY, maps MAP. A repeated field that is "
      "absent is empty.";
  spec.example =
      "CREATE TABLE wine (alcohol DOUBLE, `dataType` STRING) WITH (\n"
      "  'connector' = 'kafka', 'topic' = 'wine', 'properties.bootstrap.servers' = "
      "'localhost:9092',\n"
      "  'format' = 'protobuf', 'protobuf.schema' = 'wine.proto', 'protobuf.message' = "
      "'winerecord.WineRecord')";
  spec.options = {
      {.key = "schema",
       .doc = "The .proto file; what it imports is looked for beside it.",
       .required = true},
      {.key = "message", .doc = "The message's full name: 'package.Message'.", .required = true},
      {.key = "ignore-parse-errors",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether a record that is no such message is left out and counted, instead of being "
              "rejected."},
      {.key = "read-default-values",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether an absent field that could tell so (proto2, 'optional', oneof) has its "
              "default instead of NULL. Other fields always have it."},
  };
  spec.make_decoder = MakeProtobufDecoder;
  spec.make_encoder = MakeProtobufEncoder;
  return spec;
}

}  // namespace millrace
