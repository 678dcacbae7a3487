#include "connectors/kafka/kafka.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/fake_world.h"
#include "connectors/kafka/fake_kafka.h"
#include "connectors/kafka/transaction_bytes.h"
#include "types/column_buffer.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// A format for tests: a message is a STRING; "bad" is rejected.
class TextDecoder final : public Decoder {
 public:
  explicit TextDecoder(size_t columns) : columns_(columns) {}
  Result<Decoded> Decode(std::string_view, bool, int64_t, const ChunkOrigin&) override {
    return Decoded{};
  }
  Result<Decoded> DecodeMessages(std::span<const std::string_view> messages,
                                 std::span<const int64_t> positions,
                                 const std::string& source) override {
    std::vector<ColumnBuffer> buffers(columns_, ColumnBuffer(SqlType::String()));
    Decoded decoded;
    for (size_t i = 0; i < messages.size(); ++i) {
      if (messages[i] == "bad") {
        decoded.rejected.push_back({source, positions[i], "is bad", "bad"});
        continue;
      }
      decoded.line_of_row.push_back(static_cast<int32_t>(i));
      for (auto& buffer : buffers) buffer.AppendBytes(messages[i]);
    }
    Schema schema;
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (auto& buffer : buffers) {
      schema.Add("c", SqlType::String());
      arrays.push_back(buffer.Finish());
    }
    decoded.rows = arrow::RecordBatch::Make(
        schema.ToArrow(), static_cast<int64_t>(decoded.line_of_row.size()), std::move(arrays));
    return decoded;
  }

 private:
  const size_t columns_;
};

class TextEncoder final : public Encoder {
 public:
  Status Encode(const arrow::RecordBatch&, std::string*) override { return Status::OK(); }
  Status EncodeMessages(const arrow::RecordBatch& rows, std::vector<std::string>* out) override {
    const auto& column = static_cast<const arrow::StringArray&>(*rows.column(0));
    for (int64_t i = 0; i < column.length(); ++i) out->push_back(column.GetString(i));
    return Status::OK();
  }
};

FormatSpec TextFormat() {
  FormatSpec spec;
  spec.name = "text";
  spec.make_decoder = [](const DecodeRequest& request,
                         const Options&) -> Result<std::unique_ptr<Decoder>> {
    return std::make_unique<TextDecoder>(request.projection.size());
  };
  spec.make_encoder = [](const Schema&, const Options&) -> Result<std::unique_ptr<Encoder>> {
    return std::make_unique<TextEncoder>();
  };
  return spec;
}

KafkaMessage Text(const std::string& value, int64_t timestamp_ms = -1) {
  KafkaMessage message;
  message.value = value;
  message.timestamp_ms = timestamp_ms;
  return message;
}

Batch Rows(const std::vector<std::string>& values, const std::vector<RowKind>& kinds = {}) {
  ColumnBuffer column(SqlType::String()), of_kinds(SqlType::TinyInt());
  for (const auto& value : values) column.AppendBytes(value);
  for (const RowKind kind : kinds) of_kinds.Append(static_cast<int8_t>(kind));
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(Schema({{"v", SqlType::String(), {}}}).ToArrow(),
                                        static_cast<int64_t>(values.size()), {column.Finish()});
  if (!kinds.empty()) {
    batch.kinds = std::static_pointer_cast<arrow::Int8Array>(of_kinds.Finish());
  }
  return batch;
}

class KafkaTest : public testing::Test {
 protected:
  KafkaTest() {
    services_.all.connectors.Add(KafkaConnector(kafka_));
    services_.all.connectors.Add(UpsertKafkaConnector(kafka_));
    services_.all.formats.Add(TextFormat());
    kafka_->CreateTopic("t", 2);
    kafka_->CreateTopic("one", 1);
  }

  Result<std::unique_ptr<TestTable>> Table(OptionMap options) {
    options.insert({{"topic", "t"}, {"format", "text"}, {"properties.bootstrap.servers", "b:1"}});
    std::erase_if(options, [](const auto& option) { return option.second.empty(); });
    return TestTable::Make(services_, "kafka", Schema({{"v", SqlType::String(), {}}}), options);
  }
  std::vector<std::string> Values(const std::string& topic, int32_t partition = 0) {
    std::vector<std::string> values;
    for (const auto& stored : kafka_->Records(topic, partition)) {
      values.push_back(stored.message.value.value_or("(none)"));
    }
    return values;
  }

  std::shared_ptr<FakeKafka> kafka_ = std::make_shared<FakeKafka>();
  FakeServices services_;
};

TEST_F(KafkaTest, SaysWhichOptionIsWrong) {
  const std::vector<std::pair<OptionMap, std::string>> cases = {
      {{{"topic", ""}}, "names no topic"},
      {{{"topic-pattern", "a.*"}}, "exclude each other"},
      {{{"key.format", "text"}}, "belong together"},
      {{{"sink.delivery-guarantee", "exactly-once"}}, "transactional-id-prefix"},
      {{{"scan.startup.mode", "timestamp"}}, "scan.startup.timestamp-millis"},
      {{{"scan.startup.mode", "specific-offsets"}, {"scan.startup.specific-offsets", "0:1"}},
       "cannot be read at '0:1'"},
      {{{"scan.startup.mode", "group-offsets"}}, "properties.group.id"},
      {{{"scan.startup.mod", "x"}}, "has no option"},
  };
  for (const auto& [options, message] : cases) {
    EXPECT_THAT(Table(options).status().message(), HasSubstr(message));
  }
}

TEST_F(KafkaTest, BeginsAndEndsWhereTheModesSay) {
  for (int i = 0; i < 5; ++i) kafka_->Append("one", 0, Text(std::to_string(i), 1000 * i + 1));
  kafka_->SetCommitted({"one", 0}, 3);
  const std::vector<std::pair<OptionMap, std::string>> cases = {
      {{{"scan.startup.mode", "earliest-offset"}}, "01234"},
      {{{"scan.startup.mode", "latest-offset"}}, ""},
      {{{"scan.startup.mode", "group-offsets"}, {"properties.group.id", "g"}}, "34"},
      {{{"scan.startup.mode", "timestamp"}, {"scan.startup.timestamp-millis", "2001"}}, "234"},
      {{{"scan.startup.mode", "timestamp"}, {"scan.startup.timestamp-millis", "9999"}}, ""},
      {{{"scan.startup.mode", "specific-offsets"},
        {"scan.startup.specific-offsets", "partition:0,offset:4"}},
       "4"},
      {{{"scan.startup.mode", "earliest-offset"},
        {"scan.bounded.mode", "specific-offsets"},
        {"scan.bounded.specific-offsets", "partition:0,offset:2"}},
       "01"},
      {{{"scan.startup.mode", "earliest-offset"},
        {"scan.bounded.mode", "timestamp"},
        {"scan.bounded.timestamp-millis", "3000"}},
       "012"},
      {{{"scan.startup.mode", "earliest-offset"},
        {"scan.bounded.mode", "group-offsets"},
        {"properties.group.id", "g"}},
       "012"},
  };
  for (auto [options, expected] : cases) {
    options.insert({{"topic", "one"}, {"scan.bounded.mode", "latest-offset"}});
    auto table = Table(options);
    ASSERT_TRUE(table.ok()) << table.status();
    const auto lines = (*table)->ReadAll();
    ASSERT_TRUE(lines.ok()) << lines.status();
    std::string found;
    for (const auto& line : *lines) found += line;
    EXPECT_EQ(found, expected);
  }
}

TEST_F(KafkaTest, AGroupWithoutAnOffsetIsAnError) {
  auto table = Table({{"properties.group.id", "g"}});
  EXPECT_THAT(Describe((*table)->Splits().status()), HasSubstr("auto.offset.reset"));
}

TEST_F(KafkaTest, SuggestsATopic) {
  auto table = Table({{"topic", "onn"}, {"scan.startup.mode", "earliest-offset"}});
  EXPECT_THAT(Describe((*table)->Splits().status()), HasSubstr("did you mean 'one'"));
}

TEST_F(KafkaTest, GoesOnFromASnapshotAndCommitsItsOffsets) {
  for (int i = 0; i < 4; ++i) kafka_->Append("one", 0, Text(std::to_string(i)));
  auto table = Table(
      {{"topic", "one"}, {"scan.startup.mode", "earliest-offset"}, {"properties.group.id", "g"}});
  auto reader = (*table)->Reader(*(*table)->Splits());
  EXPECT_THAT(*(*table)->Read(**reader, 2, 1 << 20, 1), ElementsAre("0", "1"));
  const auto splits = (*reader)->Snapshot();
  EXPECT_THAT(kafka_->committed(), IsEmpty());
  (*reader)->OnCheckpointComplete(CheckpointId{1});
  EXPECT_EQ(kafka_->committed().at({"one", 0}), 2);
  auto restored = (*table)->Reader(*splits);
  EXPECT_THAT(*(*table)->Read(**restored), ElementsAre("2", "3"));
}

TEST_F(KafkaTest, IsWokenByRecordsAndPausesSplits) {
  auto table = Table({{"scan.startup.mode", "earliest-offset"}});
  auto reader = (*table)->Reader(*(*table)->Splits());
  EXPECT_THAT(*(*table)->Read(**reader), IsEmpty());
  int woken = 0;
  (*reader)->OnReady([&] { ++woken; });
  kafka_->Append("t", 0, Text("a"));
  kafka_->Append("t", 1, Text("b"));
  EXPECT_EQ(woken, 2);
  const std::vector<std::string> first = {"t/0"};
  (*reader)->Pause(first, true);
  EXPECT_THAT(*(*table)->Read(**reader), ElementsAre("b"));
  (*reader)->Pause(first, false);
  EXPECT_EQ(woken, 3);
  EXPECT_THAT(*(*table)->Read(**reader), ElementsAre("a"));
}

TEST_F(KafkaTest, RejectsPoisonAndTombstones) {
  kafka_->Append("one", 0, Text("a"));
  kafka_->Append("one", 0, Text("bad"));
  kafka_->Append("one", 0, KafkaMessage());
  kafka_->Append("one", 0, Text("b"));
  auto table = Table({{"topic", "one"},
                      {"scan.startup.mode", "earliest-offset"},
                      {"scan.bounded.mode", "latest-offset"}});
  EXPECT_THAT(*(*table)->ReadAll(),
              ElementsAre("a", "b", "!one/0|1|is bad|bad", "!one/0|2|the record has no value|"));
}

TEST_F(KafkaTest, FindsPartitionsThatComeUpLater) {
  auto table = Table({{"scan.startup.mode", "latest-offset"}});
  auto finder = *(*table)->resolved.connector->make_finder((*table)->source());
  ASSERT_TRUE(finder->Open("", 1, services_.env()).ok());
  bool again = false;
  finder->OnReady([&] { again = true; });
  EXPECT_EQ(finder->NewSplits()->size(), 2u);
  kafka_->CreateTopic("t", 3);
  kafka_->Append("t", 2, Text("early"));
  kafka_->RunAlarms();
  EXPECT_TRUE(again);
  kafka_->SetDown(true);  // is waited for
  EXPECT_THAT(*finder->NewSplits(), IsEmpty());
  kafka_->SetDown(false);
  const auto added = *finder->NewSplits();
  ASSERT_EQ(added.size(), 1u);
  EXPECT_EQ(added[0].id, "t/2");
  EXPECT_THAT(*(*table)->Read(**(*table)->Reader(added)), ElementsAre("early"));
  const auto state = *finder->Snapshot();
  auto restored = *(*table)->resolved.connector->make_finder((*table)->source());
  ASSERT_TRUE(restored->Open(state, 1, services_.env()).ok());
  EXPECT_THAT(*restored->NewSplits(), IsEmpty());
}

TEST_F(KafkaTest, ACheckpointWaitsForItsRowsOnly) {
  auto table = Table({{"topic", "one"}});
  auto writer = *(*table)->Writer();
  std::vector<RejectedRecord> rejected;
  ASSERT_TRUE(writer->Write(Rows({"a", "b"}), &rejected).ok());
  ASSERT_TRUE(writer->Rotate(CheckpointId{1})->empty());
  int flushed = 0;
  writer->FlushAsync(CheckpointId{1}, [&](const Status& status) { flushed += status.ok(); });
  ASSERT_TRUE(writer->Write(Rows({"c"}), &rejected).ok());
  kafka_->Deliver(1);
  EXPECT_EQ(flushed, 0);
  kafka_->Deliver(1);
  EXPECT_EQ(flushed, 1);
  EXPECT_THAT(Values("one"), ElementsAre("a", "b"));
  writer->FinishAsync([&](const Status& status) { flushed += status.ok(); });
  kafka_->Deliver();
  EXPECT_EQ(flushed, 2);
  EXPECT_THAT(Values("one"), ElementsAre("a", "b", "c"));
}

TEST_F(KafkaTest, KeepsTheOrderWhenTheClientIsFull) {
  auto table = Table({{"topic", "one"}});
  auto writer = *(*table)->Writer();
  kafka_->SetProducerRoom(1);
  std::vector<RejectedRecord> rejected;
  ASSERT_TRUE(writer->Write(Rows({"a", "b", "c"}), &rejected).ok());
  kafka_->Deliver();
  EXPECT_THAT(Values("one"), ElementsAre("a", "b", "c"));
}

TEST_F(KafkaTest, ChoosesPartitionsInTurn) {
  auto table = Table({{"sink.partitioner", "round-robin"}});
  auto writer = *(*table)->Writer();
  std::vector<RejectedRecord> rejected;
  ASSERT_TRUE(writer->Write(Rows({"a", "b", "c"}), &rejected).ok());
  kafka_->Deliver();
  EXPECT_THAT(Values("t", 0), ElementsAre("a", "c"));
  EXPECT_THAT(Values("t", 1), ElementsAre("b"));
}

class ExactlyOnceTest : public KafkaTest {
 protected:
  ExactlyOnceTest() {
    table_ = std::move(*Table({{"topic", "one"},
                               {"sink.delivery-guarantee", "exactly-once"},
                               {"sink.transactional-id-prefix", "job"}}));
  }
  /// A writer after a restore of `committables`.
  std::unique_ptr<SinkWriter> Recovered(const std::vector<Committable>& committables) {
    services_.fake_env.seed += 1;
    auto writer = *table_->Writer();
    writer->RecoverAsync(committables, 1, [this](const auto& outcomes) { Note(outcomes); });
    return writer;
  }
  void Note(const Result<std::vector<CommitOutcome>>& outcomes) {
    if (!outcomes.ok()) return outcomes_.push_back("failed");
    for (const auto outcome : *outcomes) {
      outcomes_.push_back(outcome == CommitOutcome::kCommitted ? "new" : "old");
    }
  }
  static std::vector<Committable> Checkpoint(SinkWriter& writer, int64_t id,
                                             const std::vector<std::string>& values) {
    std::vector<RejectedRecord> rejected;
    EXPECT_TRUE(writer.Write(Rows(values), &rejected).ok());
    return *writer.Rotate(CheckpointId{id});
  }
  void Commit(SinkWriter& writer, const std::vector<Committable>& committables) {
    writer.CommitAsync(committables, [this](const auto& outcomes) { Note(outcomes); });
  }

  std::unique_ptr<TestTable> table_;
  std::vector<std::string> outcomes_;
};

TEST_F(ExactlyOnceTest, RowsAppearWhenTheirCheckpointIsComplete) {
  auto writer = Recovered({});
  const auto first = Checkpoint(*writer, 1, {"a", "b"});
  EXPECT_THAT(Checkpoint(*writer, 2, {}), IsEmpty());
  EXPECT_THAT(Values("one"), IsEmpty());
  Commit(*writer, first);
  EXPECT_THAT(Values("one"), ElementsAre("a", "b"));
  EXPECT_THAT(outcomes_, ElementsAre("new"));
}

TEST_F(ExactlyOnceTest, ARestoreWritesOnlyWhatWasNotWritten) {
  for (const bool before : {false, true}) {
    auto writer = Recovered({});
    const auto committables = Checkpoint(*writer, 1, {before ? "x" : "a"});
    if (before) Commit(*writer, committables);
    writer.reset();
    outcomes_.clear();
    writer = Recovered(committables);
    EXPECT_THAT(outcomes_, ElementsAre(before ? "old" : "new"));
    Commit(*writer, Checkpoint(*writer, 2, {before ? "y" : "b"}));
  }
  EXPECT_THAT(Values("one"), ElementsAre("a", "b", "x", "y"));
}

TEST_F(ExactlyOnceTest, ALostOrUnansweredCommitIsFoundOut) {
  auto writer = Recovered({});
  kafka_->FailCommits({FakeKafka::Fault::kLost, FakeKafka::Fault::kUnknown});
  Commit(*writer, Checkpoint(*writer, 1, {"a"}));
  EXPECT_THAT(outcomes_, IsEmpty());
  kafka_->RunAlarms();  // written, but nobody says so
  EXPECT_THAT(outcomes_, IsEmpty());
  kafka_->RunAlarms();
  EXPECT_THAT(outcomes_, ElementsAre("old"));
  EXPECT_THAT(Values("one"), ElementsAre("a"));
}

TEST_F(ExactlyOnceTest, WaitsForABrokerAndShutsOutTheOneBefore) {
  auto old = Recovered({});
  Commit(*old, Checkpoint(*old, 1, {"a"}));
  const auto second = Checkpoint(*old, 2, {"b"});
  kafka_->SetDown(true);
  auto writer = Recovered(second);
  EXPECT_FALSE(outcomes_.size() > 1);
  kafka_->SetDown(false);
  kafka_->RunAlarms();
  EXPECT_THAT(outcomes_, ElementsAre("new", "new"));
  Commit(*old, second);  // a process that was thought to be dead
  EXPECT_THAT(outcomes_, ElementsAre("new", "new", "failed"));
  EXPECT_THAT(Values("one"), ElementsAre("a", "b"));
}

TEST(KafkaTransactionTest, ReadsBackWhatItWrote) {
  KafkaTransaction transaction{"id", 7, {}};
  transaction.messages.resize(2);
  transaction.messages[0].value = "v";
  transaction.messages[0].headers = {{"h", "1"}, {"none", std::nullopt}};
  transaction.messages[1].key = "";
  transaction.messages[1].timestamp_ms = 5;
  const std::string bytes = transaction.ToBytes();
  const auto read = KafkaTransaction::FromBytes(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->ToBytes(), bytes);
  EXPECT_EQ(read->checkpoint, 7);
  EXPECT_EQ(read->messages[0].headers, transaction.messages[0].headers);
  EXPECT_FALSE(read->messages[1].value.has_value());
  EXPECT_EQ(read->messages[1].key, "");
  EXPECT_FALSE(KafkaTransaction::FromBytes(bytes.substr(0, bytes.size() - 1)).ok());
  EXPECT_FALSE(KafkaTransaction::FromBytes("xxxx").ok());
}

}  // namespace
}  // namespace millrace
