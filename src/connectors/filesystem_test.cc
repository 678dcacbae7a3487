#include "connectors/filesystem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/fake_world.h"
#include "connectors/lines_format.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

class FilesystemTest : public testing::Test {
 protected:
  FilesystemTest() {
    services_.all.connectors.Add(FilesystemConnector());
    services_.all.formats.Add(LinesFormat());
  }

  std::unique_ptr<TestTable> Table(const std::string& path, OptionMap options = {}) {
    options.emplace("path", path);
    options.emplace("format", "lines");
    auto table =
        TestTable::Make(services_, "filesystem", Schema({{"a", SqlType::String(), {}}}), options);
    EXPECT_TRUE(table.ok()) << table.status();
    return std::move(table).ValueOr(nullptr);
  }
  std::map<std::string, std::string>& files() { return services_.fake_env.memory.files; }

  Batch Rows(std::initializer_list<std::string_view> lines) {
    ColumnBuffer column(SqlType::String());
    for (const auto line : lines) column.AppendBytes(line);
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(Schema({{"a", SqlType::String(), {}}}).ToArrow(),
                                          static_cast<int64_t>(lines.size()), {column.Finish()});
    return batch;
  }
  /// Writes a batch and ends a checkpoint up to, not including, its commit.
  std::vector<Committable> WriteAndRotate(SinkWriter& writer,
                                          std::initializer_list<std::string_view> lines) {
    std::vector<RejectedRecord> rejected;
    EXPECT_TRUE(writer.Write(Rows(lines), &rejected).ok());
    const auto committables = writer.Rotate(CheckpointId{1});
    EXPECT_TRUE(committables.ok()) << committables.status();
    writer.FlushAsync(CheckpointId{1}, [](Status status) { EXPECT_TRUE(status.ok()) << status; });
    return *committables;
  }
  static Result<std::vector<CommitOutcome>> Commit(SinkWriter& writer,
                                                   std::vector<Committable> what) {
    Result<std::vector<CommitOutcome>> result = Status::UnknownError("not called");
    writer.CommitAsync(std::move(what), [&](auto outcome) { result = std::move(outcome); });
    return result;
  }
  static Result<std::vector<CommitOutcome>> Recover(SinkWriter& writer,
                                                    std::vector<Committable> what,
                                                    int old_parallelism = 1) {
    Result<std::vector<CommitOutcome>> result = Status::UnknownError("not called");
    writer.RecoverAsync(std::move(what), old_parallelism,
                        [&](auto outcome) { result = std::move(outcome); });
    return result;
  }
  static Status Finish(SinkWriter& writer) {
    Status result = Status::UnknownError("not called");
    writer.FinishAsync([&](Status status) { result = status; });
    return result;
  }

  FakeServices services_;
};

TEST_F(FilesystemTest, ReadsFilesDirectoriesAndGlobs) {
  files() = {{"/d/a.csv", "1\n2\n"},
             {"/d/b.csv", "3"},
             {"/d/sub/c.txt", "4\n"},
             {"/d/.hidden", "5\n"},
             {"/d/empty", ""}};
  const struct {
    const char* path;
    std::vector<std::string> lines;
  } cases[] = {{"/d/a.csv", {"1", "2"}},
               {"file:///d/a.csv", {"1", "2"}},
               {"/d", {"1", "2", "3", "4"}},
               {"/d/*.csv", {"1", "2", "3"}},
               {"/d/empty", {}}};
  for (const auto& test : cases) EXPECT_EQ(*Table(test.path)->ReadAll(), test.lines) << test.path;
}

TEST_F(FilesystemTest, MissingPathsAreTold) {
  files() = {{"/d/orders.csv", "1\n"}};
  const struct {
    const char* path;
    const char* error;
    const char* hint;
  } cases[] = {{"/d/ordrs.csv", "there is no file or directory '/d/ordrs.csv'",
                "did you mean '/d/orders.csv'?"},
               {"/d/*.tsv", "no file matches '/d/*.tsv'", "check the option 'path'"}};
  for (const auto& test : cases) {
    const auto status = Table(test.path)->Splits().status();
    EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kUser);
    EXPECT_THAT(Describe(status), HasSubstr(test.error));
    EXPECT_THAT(Describe(status), HasSubstr(test.hint));
  }
}

TEST_F(FilesystemTest, UnreadableFileIsNamed) {
  files() = {{"/d/a", "1\n"}, {"/d/b", "2\n"}};
  services_.fake_env.memory.unreadable = {"/d/b"};
  const auto read = Table("/d")->ReadAll();
  EXPECT_THAT(Describe(read.status()), HasSubstr("/d/b"));
  EXPECT_THAT(Describe(read.status()), HasSubstr("Permission denied"));
}

TEST_F(FilesystemTest, RejectsNameFileAndLine) {
  files() = {{"/a", "#h\n1\nbad\n2\n"}};
  EXPECT_THAT(*Table("/a")->ReadAll(), ElementsAre("1", "2", "!/a|3|is bad|bad"));
}

TEST_F(FilesystemTest, Metadata) {
  files() = {{"/d/a", "#h\n1\nbad\n2\n"}};
  const auto table = Table("/d/a");
  table->config.metadata = {{"file.path", "p", SqlType::String().AsNotNull()},
                            {"file.name", "n", SqlType::String().AsNotNull()},
                            {"file.size", "s", SqlType::BigInt().AsNotNull()},
                            {"file.modification-time", "m", SqlType::TimestampLtz(3).AsNotNull()},
                            {"file.line", "l", SqlType::BigInt().AsNotNull()}};
  const std::string rest = "|/d/a|a|11|1970-01-01T00:00:01.234Z|";
  EXPECT_THAT(*table->ReadAll(),
              ElementsAre("1" + rest + "2", "2" + rest + "4", "!/d/a|3|is bad|bad"));
  table->config.projection.clear();
  EXPECT_THAT(*table->ReadAll(), testing::Contains(rest.substr(1) + "2"));
}

TEST_F(FilesystemTest, ResumesAnywhere) {
  std::string text = "#h\n";
  for (int i = 0; i < 100; ++i) text += i % 10 == 3 ? "bad\n" : std::to_string(i * 7919) + "\n";
  files() = {{"/d/a", text}, {"/d/b", "x\ny\nlast"}};
  const auto table = Table("/d");
  const auto whole = *table->ReadAll();
  const auto splits = *table->Splits();
  for (int polls = 0; polls < 20; ++polls) {
    const auto first = *table->Reader(splits);
    auto lines = *table->Read(*first, 7, 1, polls);
    const auto second = *table->Reader(*first->Snapshot());
    for (auto& line : *table->Read(*second, 1000)) lines.push_back(line);
    EXPECT_THAT(lines, UnorderedElementsAreArray(whole)) << "after " << polls << " polls";
  }
}

TEST_F(FilesystemTest, RangesOfAFileHaveEveryRecordOnce) {
  std::string text = "#header\n";
  for (int i = 0; i < 300; ++i)
    text += i % 50 == 49 ? "bad\n" : std::string(static_cast<size_t>(i % 17), 'x') + "\n";
  for (const int split_size : {1, 2, 3, 10, 100, 1000}) {
    for (const bool last_break : {true, false}) {
      files() = {{"/a", last_break ? text : text.substr(0, text.size() - 1)}};
      const auto table = Table("/a", {{"source.split-size", std::to_string(split_size)}});
      table->config.metadata = {{"file.line", "l", SqlType::BigInt().AsNotNull()}};
      const auto whole = *table->ReadAll();
      ASSERT_EQ(whole.size(), 300u);
      const auto splits = *table->Splits(4);
      EXPECT_GT(splits.size(), 1u);
      std::vector<std::string> lines;
      for (const auto& split : splits) {
        const auto reader = *table->Reader({split});
        for (auto& line : *table->Read(*reader)) lines.push_back(line);
      }
      EXPECT_THAT(lines, UnorderedElementsAreArray(whole)) << split_size;
    }
  }
}

TEST_F(FilesystemTest, LongLines) {
  files() = {{"/a", std::string(3 << 20, 'x') + "\n1\n" + std::string(65 << 20, 'y') + "\n2\n"}};
  const auto lines = *Table("/a")->ReadAll();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].size(), 3u << 20);
  EXPECT_EQ(lines[1], "1");
  EXPECT_THAT(lines[2].substr(0, 100), HasSubstr("!/a|3|no record ends within 64 MB|yyy"));
  EXPECT_EQ(lines[3], "2");
}

TEST_F(FilesystemTest, PartsAreVisibleOnceCommitted) {  // P2
  const auto table = Table("/out");
  const auto writer = *table->Writer(2, 4);
  const auto first = WriteAndRotate(*writer, {"1", "2"});
  EXPECT_THAT(services_.fake_env.memory.Visible(), IsEmpty());
  EXPECT_THAT(*Commit(*writer, first), ElementsAre(CommitOutcome::kCommitted));
  EXPECT_THAT(services_.fake_env.memory.Visible(), ElementsAre("/out/part-job-2-0.lines"));
  EXPECT_EQ(files()["/out/part-job-2-0.lines"], "1\n2\n");
  EXPECT_THAT(*Commit(*writer, first), ElementsAre(CommitOutcome::kAlreadyCommitted));

  std::vector<RejectedRecord> rejected;
  ASSERT_TRUE(writer->Write(Rows({"3"}), &rejected).ok());
  ASSERT_TRUE(Finish(*writer).ok());
  EXPECT_EQ(files()["/out/part-job-2-1.lines"], "3\n");
  EXPECT_EQ(files().size(), 2u);
  EXPECT_THAT(*table->ReadAll(), ElementsAre("1", "2", "3"));
}

TEST_F(FilesystemTest, RecoveryCommitsTheSnapshotAndDiscardsTheRest) {  // P2
  const auto table = Table("/out");
  const auto crashed = *table->Writer();
  const auto committables = WriteAndRotate(*crashed, {"1"});
  WriteAndRotate(*crashed, {"of a checkpoint that never completed"});
  std::vector<RejectedRecord> rejected;
  ASSERT_TRUE(crashed->Write(Rows({"open"}), &rejected).ok());

  const auto writer = *table->Writer();
  EXPECT_THAT(*Recover(*writer, committables), ElementsAre(CommitOutcome::kCommitted));
  EXPECT_THAT(*Recover(*writer, committables), ElementsAre(CommitOutcome::kAlreadyCommitted));
  EXPECT_EQ(files().size(), 1u);
  ASSERT_TRUE(writer->Write(Rows({"2"}), &rejected).ok());
  ASSERT_TRUE(Finish(*writer).ok());
  EXPECT_THAT(*table->ReadAll(), ElementsAre("1", "2"));
}

TEST_F(FilesystemTest, RecoveryLeavesPendingPartsOfOtherSubtasks) {
  const auto table = Table("/out");
  const auto one = WriteAndRotate(**table->Writer(0, 2), {"1"});
  const auto two = WriteAndRotate(**table->Writer(1, 2), {"2"});
  // At the new parallelism the committables have changed places.
  EXPECT_TRUE(Recover(**table->Writer(0, 2), two, 2).ok());
  EXPECT_TRUE(Recover(**table->Writer(1, 2), one, 2).ok());
  EXPECT_THAT(*table->ReadAll(), ElementsAre("1", "2"));
}

TEST_F(FilesystemTest, OneFileIsReplacedAtOnce) {
  const auto table = Table("/out.csv", {{"lines.header", "true"}});
  const auto writer = *table->Writer();
  const auto first = WriteAndRotate(*writer, {"1"});
  EXPECT_THAT(services_.fake_env.memory.Visible(), IsEmpty());
  EXPECT_THAT(*Commit(*writer, first), ElementsAre(CommitOutcome::kCommitted));
  EXPECT_EQ(files()["/out.csv"], "#a\n1\n");
  const auto second = WriteAndRotate(*writer, {"2"});
  const auto third = WriteAndRotate(*writer, {"3"});
  EXPECT_THAT(*Commit(*writer, second), ElementsAre(CommitOutcome::kCommitted));
  EXPECT_THAT(*Commit(*writer, {second[0], third[0]}),
              ElementsAre(CommitOutcome::kAlreadyCommitted, CommitOutcome::kCommitted));
  EXPECT_EQ(files()["/out.csv"], "#a\n1\n2\n3\n");
  EXPECT_EQ(files().size(), 1u);
  // A second run adds to it.
  const auto again = *table->Writer();
  WriteAndRotate(*again, {"lost"});
  const auto restored = *table->Writer();
  ASSERT_TRUE(Recover(*restored, {}).ok());
  std::vector<RejectedRecord> rejected;
  ASSERT_TRUE(restored->Write(Rows({"4"}), &rejected).ok());
  ASSERT_TRUE(Finish(*restored).ok());
  EXPECT_EQ(files()["/out.csv"], "#a\n1\n2\n3\n4\n");
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(FilesystemTest, PartsRollAtTheirSize) {
  const auto table = Table("/out", {{"sink.rolling-policy.file-size", "4"}});
  const auto writer = *table->Writer();
  std::vector<RejectedRecord> rejected;
  for (const auto* line : {"123", "45", "67", "8"}) {
    ASSERT_TRUE(writer->Write(Rows({line}), &rejected).ok());
  }
  const auto committables = *writer->Rotate(CheckpointId{1});
  EXPECT_EQ(committables.size(), 3u);
  // A part that is closed between the barrier and its flush belongs to the next checkpoint.
  ASSERT_TRUE(writer->Write(Rows({"9999"}), &rejected).ok());
  writer->FlushAsync(CheckpointId{1}, [](Status status) { EXPECT_TRUE(status.ok()); });
  ASSERT_TRUE(Commit(*writer, committables).ok());
  EXPECT_THAT(*table->ReadAll(), ElementsAre("123", "45", "67", "8"));
  ASSERT_TRUE(Finish(*writer).ok());
  EXPECT_THAT(*table->ReadAll(), ElementsAre("123", "45", "67", "8", "9999"));
}

TEST_F(FilesystemTest, FullDiskIsTransientAndShowsNothing) {
  const auto writer = *Table("/out")->Writer();
  services_.fake_env.memory.free_bytes = 3;
  std::vector<RejectedRecord> rejected;
  const auto status = writer->Write(Rows({"12345"}), &rejected);
  EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kTransient);
  EXPECT_THAT(Describe(status), HasSubstr("cannot write 6 bytes"));
  EXPECT_THAT(Describe(status), HasSubstr("/out/.part-job-0-0.lines"));
  EXPECT_THAT(services_.fake_env.memory.Visible(), IsEmpty());
}

TEST_F(FilesystemTest, WrongSinkPathsAreTold) {
  files() = {{"/file", "1\n"}, {"/dir.d/x", "1\n"}};
  EXPECT_THAT(Describe(Table("/a*")->Writer().status()), HasSubstr("cannot write to the glob"));
  EXPECT_THAT(Describe(Table("/file")->Writer().status()), HasSubstr("is a file"));
  EXPECT_THAT(Describe(Table("/dir.d")->Writer().status()), HasSubstr("write '/dir.d/'"));
  EXPECT_TRUE(Table("/dir.d/")->Writer().ok());
}

}  // namespace
}  // namespace millrace
