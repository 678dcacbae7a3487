#include "runtime/checkpoint.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/env.h"
#include "runtime/part_reader.h"

namespace millrace {
namespace {

using testing::HasSubstr;

/// A part's bytes, and when they last changed.
struct Content {
  std::string bytes;
  uint64_t version = 1;
};
using Contents = std::map<int, Content>;  ///< by key group

PartId IdOf(int group) { return {"count", "counters", KeyGroup{group}}; }

class Snapshot final : public StageSnapshot {
 public:
  explicit Snapshot(Contents contents) : contents_(std::move(contents)) {}
  std::vector<PartId> parts() const override {
    std::vector<PartId> parts;
    for (const auto& [group, content] : contents_) parts.push_back(IdOf(group));
    return parts;
  }
  int version(const PartId&) const override { return 1; }
  uint64_t content_version(const PartId& part) const override { return Of(part).version; }
  Status Write(const PartId& part, std::string* out) const override {
    *out = Of(part).bytes;
    return Status::OK();
  }
  void WhenFlushed(std::function<void(Status)> done) override { done(Status::OK()); }

 private:
  const Content& Of(const PartId& part) const { return contents_.at(Raw(*part.group)); }
  Contents contents_;
};

class CheckpointTest : public testing::Test {
 protected:
  ~CheckpointTest() override { std::filesystem::remove_all(folder_); }

  Result<Checkpoint> Write(const Contents& contents, std::shared_ptr<const Checkpoint> base) {
    const CheckpointId id{next_++};
    CheckpointContent content;
    content.id = id;
    content.job = "job";
    content.tasks.push_back({"stage-0-0.arrows", 0, 1, 128, std::make_shared<Snapshot>(contents)});
    content.base = std::move(base);
    return WriteCheckpoint(files(), CheckpointPath(folder_, id), content, claim_);
  }
  std::shared_ptr<const Checkpoint> MustWrite(const Contents& contents,
                                              std::shared_ptr<const Checkpoint> base) {
    auto written = Write(contents, std::move(base));
    EXPECT_TRUE(written.ok()) << written.status();
    return std::make_shared<const Checkpoint>(written.ValueOr({}));
  }
  void ExpectHolds(const std::string& path, const Contents& contents) {
    const auto read = ReadCheckpoint(files(), path);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->parts.size(), contents.size());
    for (const StoredPart& part : read->parts) {
      const auto bytes = ReadPart(files(), *read, part);
      ASSERT_TRUE(bytes.ok()) << bytes.status();
      EXPECT_EQ(*bytes, contents.at(Raw(*part.id.group)).bytes);
    }
  }
  int64_t BytesOnDisk() const {
    int64_t bytes = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(folder_)) {
      if (each.path().extension() == ".arrows") bytes += static_cast<int64_t>(each.file_size());
    }
    return bytes;
  }
  bool Exists(const std::string& file) const {
    return std::filesystem::exists(folder_ + "/" + file);
  }
  FileSystem& files() { return env_->files(); }

  const std::unique_ptr<Env> env_ = MakeSystemEnv(1);
  const std::string folder_ =
      std::filesystem::temp_directory_path() / ("millrace-chk-" + std::to_string(env_->Random()));
  CheckpointClaim claim_;
  int64_t next_ = 1;
};

Contents Letters(const std::string& letters) {
  Contents contents;
  for (size_t i = 0; i < letters.size(); ++i) {
    contents[static_cast<int>(i)] = {std::string(100, letters[i]), 1};
  }
  return contents;
}

TEST_F(CheckpointTest, PartsAreReadAheadInTheirOrder) {
  Contents contents;
  for (int group = 0; group < 20; ++group) {
    const size_t bytes = group % 3 == 0 ? 100 : 3'000'000;
    contents[group] = {std::string(bytes, static_cast<char>('a' + group)), 1};
  }
  Checkpoint checkpoint = *MustWrite(contents, nullptr);
  PartReader reader(*env_, checkpoint, checkpoint.parts);
  for (const StoredPart& part : checkpoint.parts) {
    const auto bytes = reader.Next();
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ(*bytes, contents.at(Raw(*part.id.group)).bytes);
  }
  checkpoint.parts[1].crc32 ^= 1;
  PartReader damaged(*env_, checkpoint, checkpoint.parts);
  EXPECT_TRUE(damaged.Next().ok());
  EXPECT_THAT(damaged.Next().status().message(), HasSubstr("not what was written"));
}

TEST_F(CheckpointTest, RefersToPartsThatHaveNotChanged) {
  Contents contents = Letters("abcd");
  const auto first = MustWrite(contents, nullptr);
  EXPECT_EQ(first->written_bytes, 400);
  contents[2] = {std::string(50, 'C'), 2};
  const auto second = MustWrite(contents, first);
  EXPECT_EQ(second->written_bytes, 50);
  EXPECT_EQ(second->state_bytes(), 350);
  const auto third = MustWrite(contents, second);
  EXPECT_EQ(third->written_bytes, 0);
  EXPECT_FALSE(Exists("chk-3/stage-0-0.arrows"));
  ExpectHolds(third->path, contents);

  // What is still referred to outlives the checkpoint that it belongs to.
  ASSERT_TRUE(RemoveOldCheckpoints(files(), folder_, CheckpointId{next_ - 1}, 1).ok());
  EXPECT_FALSE(Exists("chk-1/manifest.json"));
  EXPECT_FALSE(Exists("chk-2/manifest.json"));
  ExpectHolds(third->path, contents);
  const auto found = FindCheckpoints(files(), folder_);
  EXPECT_THAT(found.ValueOr({}), testing::ElementsAre(third->path));
}

TEST_F(CheckpointTest, WritesEverythingWithoutOneBefore) {
  const Contents contents = Letters("abcd");
  MustWrite(contents, nullptr);
  EXPECT_EQ(MustWrite(contents, nullptr)->written_bytes, 400);
}

TEST_F(CheckpointTest, APartOfUnknownVersionIsWritten) {
  Contents contents = Letters("abcd");
  contents[0].version = 0;
  EXPECT_EQ(MustWrite(contents, MustWrite(contents, nullptr))->written_bytes, 100);
}

TEST_F(CheckpointTest, AFileOfLittleUseIsGivenUp) {
  Contents contents = Letters("abcde");
  const auto first = MustWrite(contents, nullptr);
  for (int group : {0, 1, 2}) contents[group].version = 2;
  const auto second = MustWrite(contents, first);
  EXPECT_EQ(second->written_bytes, 500) << "two parts of five are not worth the file";
  ASSERT_TRUE(RemoveOldCheckpoints(files(), folder_, CheckpointId{next_ - 1}, 1).ok());
  EXPECT_FALSE(Exists("chk-1"));
  ExpectHolds(second->path, contents);
}

TEST_F(CheckpointTest, WhatIsGoneIsWrittenAgain) {
  const Contents contents = Letters("abcd");
  const auto first = MustWrite(contents, nullptr);
  std::filesystem::remove_all(first->path);
  const auto second = MustWrite(contents, first);
  EXPECT_EQ(second->written_bytes, 400);
  ExpectHolds(second->path, contents);
}

TEST_F(CheckpointTest, WhatIsNewerThanTheNewestKnownCountsForNothing) {
  const Contents contents = Letters("ab");
  MustWrite(contents, nullptr);
  const auto known = MustWrite(contents, nullptr);
  const auto newer = MustWrite(contents, nullptr);
  ASSERT_TRUE(RemoveOldCheckpoints(files(), folder_, CheckpointId{2}, 1).ok());
  EXPECT_FALSE(Exists("chk-1"));
  ExpectHolds(known->path, contents);
  ExpectHolds(newer->path, contents);
}

TEST_F(CheckpointTest, OneThatIsGivenUpDoesNotBecomeComplete) {
  EXPECT_TRUE(claim_.GiveUp());
  EXPECT_TRUE(Write(Letters("ab"), nullptr).status().IsCancelled());
  EXPECT_FALSE(Exists("chk-1"));
}

TEST_F(CheckpointTest, OneThatIsCompleteCannotBeGivenUp) {
  ASSERT_TRUE(Write(Letters("ab"), nullptr).ok());
  EXPECT_FALSE(claim_.GiveUp());
}

TEST_F(CheckpointTest, NothingIsRemovedWhileAKeptOneCannotBeRead) {
  const Contents contents = Letters("abcd");
  const auto second = MustWrite(contents, MustWrite(contents, nullptr));
  const std::string manifest = second->path + "/manifest.json";
  std::filesystem::rename(manifest, manifest + ".aside");
  std::ofstream(manifest) << "{";
  EXPECT_FALSE(RemoveOldCheckpoints(files(), folder_, CheckpointId{next_ - 1}, 1).ok());
  std::filesystem::rename(manifest + ".aside", manifest);
  ExpectHolds(second->path, contents);
}

// P2: against a map, through many checkpoints of which two are kept.
TEST_F(CheckpointTest, KeptOnesStayWholeInBoundedSpace) {
  std::mt19937_64 random(3);
  Contents contents = Letters("abcdefghijklmnop");
  std::map<std::string, Contents> kept;
  std::shared_ptr<const Checkpoint> base;
  int64_t written = 0;
  for (uint64_t round = 1; round <= 30; ++round) {
    for (uint64_t changes = random() % 5; changes > 0; --changes) {
      contents[static_cast<int>(random() % 16)] = {
          std::string(50 + random() % 100, static_cast<char>('a' + round % 26)), round + 1};
    }
    base = MustWrite(contents, base);
    written += base->written_bytes;
    ASSERT_TRUE(RemoveOldCheckpoints(files(), folder_, CheckpointId{next_ - 1}, 2).ok());
    kept[base->path] = contents;
    const auto found = FindCheckpoints(files(), folder_).ValueOr({});
    ASSERT_EQ(found.size(), std::min<size_t>(round, 2));
    for (const std::string& path : found) ExpectHolds(path, kept.at(path));
    // Each file is at least half of use to one of the two.
    EXPECT_LE(BytesOnDisk(), 2 * 2 * base->state_bytes());
  }
  EXPECT_LT(written, 30 * base->state_bytes() / 2);
}

TEST_F(CheckpointTest, ADamagedFileIsNamedThroughAReference) {
  const Contents contents = Letters("ab");
  const auto first = MustWrite(contents, nullptr);
  const auto second = MustWrite(contents, first);
  std::filesystem::resize_file(first->path + "/stage-0-0.arrows", 150);
  EXPECT_TRUE(ReadPart(files(), *second, second->parts[0]).ok());
  const auto damaged = ReadPart(files(), *second, second->parts[1]);
  EXPECT_THAT(Describe(damaged.status()), HasSubstr("chk-1/stage-0-0.arrows"));
  EXPECT_THAT(damaged.status().message(), HasSubstr("key group 1"));
}

}  // namespace
}  // namespace millrace
