#include "connectors/kafka/kafka.h"

#include <algorithm>

#include "connectors/kafka/settings.h"

namespace millrace {
namespace {

OptionSpec Choice(std::string key, std::string default_value, std::vector<std::string> choices,
                  std::string doc) {
  return {.key = std::move(key),
          .type = OptionType::kEnum,
          .default_value = std::move(default_value),
          .doc = std::move(doc),
          .choices = std::move(choices)};
}

std::vector<OptionSpec> CommonOptions() {
  return {
      {.key = "properties.bootstrap.servers",
       .doc = "The brokers to begin with: 'host:port', several with commas.",
       .required = true},
      {.key = "properties.group.id",
       .doc = "The consumer group whose offsets are read by 'group-offsets' and written when a "
              "checkpoint completes."},
      {.key = "properties.",
       .doc = "Any property of librdkafka ('properties.security.protocol' …); names of the Java "
              "client are understood where they differ. Values may hold '${SECRET:name}'.",
       .prefix = true},
      {.key = "key.format", .doc = "The format of the record's key."},
      {.key = "key.fields-prefix",
       .doc = "What the key's columns begin with in the table and not in the record."},
      Choice("value.fields-include", "ALL", {"ALL", "EXCEPT_KEY"},
             "Whether the key's columns are in the value as well."),
      {.key = "key.",
       .doc = "Options of the key's format: 'key.csv.field-delimiter' …",
       .prefix = true},
      Choice("scan.bounded.mode", "unbounded",
             {"unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets"},
             "Where reading ends; the offsets are those when the job starts."),
      {.key = "scan.bounded.timestamp-millis",
       .type = OptionType::kInt,
       .doc = "Where 'timestamp' ends: before the first record of this time or later.",
       .min = 0},
      {.key = "scan.bounded.specific-offsets",
       .doc = "Where 'specific-offsets' ends: 'partition:0,offset:42;partition:1,offset:300', "
              "exclusive."},
      {.key = "scan.topic-partition-discovery.interval",
       .type = OptionType::kDuration,
       .default_value = "5 min",
       .doc = "How often new topics and partitions are looked for; they are read from their "
              "beginning. 0: never."},
      Choice("sink.delivery-guarantee", "at-least-once", {"none", "at-least-once", "exactly-once"},
             "'at-least-once': a checkpoint waits until its records are stored. 'exactly-once': "
             "the records of a checkpoint are kept in it and appear in one transaction when it is "
             "complete; readers need 'properties.isolation.level' = 'read_committed', which is the "
             "default of this connector."),
      {.key = "sink.transactional-id-prefix",
       .doc = "What the transactional ids of 'exactly-once' begin with; of each job its own."},
  };
}

std::vector<MetadataSpec> Metadata() {
  return {
      {"topic", SqlType::String().AsNotNull(), "The record's topic. Read only."},
      {"partition", SqlType::Int().AsNotNull(), "Its partition. Read only."},
      {"offset", SqlType::BigInt().AsNotNull(), "Its offset in the partition. Read only."},
      {"timestamp", SqlType::TimestampLtz(3).AsNotNull(),
       "The record's time; a sink may set it, NULL is now."},
      {"timestamp-type", SqlType::String().AsNotNull(),
       "'CreateTime', 'LogAppendTime' or 'NoTimestampType'. Read only."},
      {"headers", SqlType::Map(SqlType::String().AsNotNull(), SqlType::Bytes()).AsNotNull(),
       "The record's headers; a sink may set them. Of several with a name the last counts."},
  };
}

Status CheckTogether(const TableConfig& table, const Options& options) {
  const bool upsert = IsUpsert(table);
  const bool pattern = options.Has("topic-pattern");
  if (options.Has("topic") == pattern) {
    return Error::User(pattern ? "'topic' and 'topic-pattern' exclude each other"
                               : "table '" + table.name + "' names no topic")
        .Hint("give 'topic' = 'a', 'topic' = 'a;b' to read several, or 'topic-pattern' = 'a-.*'");
  }
  if (upsert && table.primary_key.empty()) {
    return Error::User("'upsert-kafka' needs a primary key: its columns are the record's key")
        .In(table.name)
        .Hint("add PRIMARY KEY (…) NOT ENFORCED");
  }
  const std::string format = options.String("key.format");
  if (upsert ? format.empty() : format.empty() != options.String("key.fields").empty()) {
    return Error::User(upsert ? "'upsert-kafka' needs a 'key.format'"
                              : "'key.format' and 'key.fields' belong together: one is missing")
        .In(table.name)
        .Hint("such as 'key.format' = 'json'" + std::string(upsert ? "" : ", 'key.fields' = 'id'"));
  }
  for (const auto& [written, value] : options.Under("key.")) {
    const bool known = written == "format" || written == "fields" || written == "fields-prefix";
    if (known || (!format.empty() && written.starts_with(format + "."))) continue;
    return Error::User("connector '" + table.connector + "' has no option 'key." + written + "'")
        .Hint("options of the key's format begin with 'key.<format>.'");
  }
  if (options.String("sink.delivery-guarantee") == "exactly-once" &&
      !options.Has("sink.transactional-id-prefix")) {
    return Error::User("'exactly-once' needs the option 'sink.transactional-id-prefix'")
        .In(table.name)
        .Hint("choose a text that no other job uses, such as the job's name");
  }
  for (const std::string scan : {"scan.startup.", "scan.bounded."}) {
    const std::string mode = options.String(scan + "mode");
    const std::string detail = mode == "timestamp"          ? scan + "timestamp-millis"
                               : mode == "specific-offsets" ? scan + "specific-offsets"
                                                            : "";
    if (!detail.empty() && !options.Has(detail)) {
      return Error::User("'" + scan + "mode' = '" + mode + "' needs the option '" + detail + "'")
          .In(table.name);
    }
    ARROW_RETURN_NOT_OK(
        ParseSpecificOffsets(scan + "specific-offsets", options.String(scan + "specific-offsets")));
    if (mode == "group-offsets" && scan == "scan.bounded." && !options.Has("properties.group.id")) {
      return Error::User("'group-offsets' needs the option 'properties.group.id'").In(table.name);
    }
  }
  if (options.String("scan.startup.mode") == "group-offsets" && options.Has("scan.startup.mode") &&
      !options.Has("properties.group.id")) {
    return Error::User("'group-offsets' needs the option 'properties.group.id'").In(table.name);
  }
  return Status::OK();
}

bool Bounded(const Options& options) { return options.String("scan.bounded.mode") != "unbounded"; }

void MakeFrom(std::shared_ptr<Kafka> kafka, ConnectorSpec* spec) {
  spec->needs_format = true;
  spec->bounded = Bounded;
  spec->check = CheckTogether;
  spec->shows_with_checkpoints = [](const Options& options) {
    return options.String("sink.delivery-guarantee") == "exactly-once";
  };
  spec->make_finder = [kafka](const SourceRequest& request) {
    return MakeKafkaFinder(kafka, request);
  };
  spec->make_reader = [kafka](const SourceRequest& request) {
    return MakeKafkaReader(kafka, request);
  };
  spec->make_writer = [kafka](const SinkRequest& request) {
    return MakeKafkaWriter(kafka, request);
  };
}

}  // namespace

ConnectorSpec KafkaConnector(std::shared_ptr<Kafka> kafka) {
  ConnectorSpec spec;
  spec.name = "kafka";
  spec.doc =
      "Reads topics of Apache Kafka and appends to one. A partition is read in order; records that "
      "cannot be decoded, and those without a value, leave at the table's rejected port with "
      "topic, "
      "partition and offset. A broker that is away is waited for.";
  spec.example =
      "CREATE TABLE orders (id BIGINT, amount DOUBLE, ts TIMESTAMP_LTZ(3) METADATA FROM "
      "'timestamp') "
      "WITH (\n  'connector' = 'kafka', 'topic' = 'orders', 'format' = 'json',\n"
      "  'properties.bootstrap.servers' = 'localhost:9092', 'properties.group.id' = 'billing',\n"
      "  'scan.startup.mode' = 'earliest-offset')";
  spec.options = CommonOptions();
  const std::vector<OptionSpec> own = {
      {.key = "topic", .doc = "The topic; a source takes several: 'a;b'."},
      {.key = "topic-pattern",
       .doc = "A regular expression that the whole name of a topic to be read must match."},
      Choice("scan.startup.mode", "group-offsets",
             {"earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"},
             "Where reading begins without a checkpoint. 'group-offsets': where the group stopped; "
             "where it has no offset, 'properties.auto.offset.reset' decides."),
      {.key = "scan.startup.timestamp-millis",
       .type = OptionType::kInt,
       .doc = "Where 'timestamp' begins: at the first record of this time or later.",
       .min = 0},
      {.key = "scan.startup.specific-offsets",
       .doc = "Where 'specific-offsets' begins: 'partition:0,offset:42;partition:1,offset:300'."},
      {.key = "key.fields", .doc = "The columns that are in the record's key: 'a;b'."},
      Choice(
          "sink.partitioner", "default", {"default", "fixed", "round-robin"},
          "Into which partition a record goes. 'default': by the hash of its key, as Kafka's own "
          "client does; 'fixed': each subtask writes one; 'round-robin': each in turn."),
  };
  spec.options.insert(spec.options.begin(), own.begin(), own.end());
  spec.metadata = Metadata();
  MakeFrom(std::move(kafka), &spec);
  return spec;
}

ConnectorSpec UpsertKafkaConnector(std::shared_ptr<Kafka> kafka) {
  ConnectorSpec spec;
  spec.name = "upsert-kafka";
  spec.doc =
      "A topic as a table with a primary key, which is the record's key: a later record replaces "
      "an "
      "earlier one of its key, and one without a value deletes it. Read from the beginning; "
      "written "
      "with every change of a query.";
  spec.example =
      "CREATE TABLE totals (customer STRING, total DOUBLE, PRIMARY KEY (customer) NOT ENFORCED) "
      "WITH (\n  'connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', "
      "'value.format' = 'json',\n  'properties.bootstrap.servers' = 'localhost:9092')";
  spec.options = CommonOptions();
  spec.options.insert(spec.options.begin(),
                      {.key = "topic", .doc = "The topic.", .required = true});
  spec.metadata = Metadata();
  spec.takes_changelog = true;
  spec.source_changelog = ChangelogMode::kUpsert;
  MakeFrom(std::move(kafka), &spec);
  return spec;
}

}  // namespace millrace
