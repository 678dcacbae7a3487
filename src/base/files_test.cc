#include "base/files.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/posix_error.h"
#include "base/posix_files.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "files_test.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(root_); }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }

  void Write(const std::string& name, std::string_view text, OpenMode mode = OpenMode::kTruncate) {
    auto file = files_->OpenOutput(Path(name), mode).ValueOrDie();
    ASSERT_TRUE(file->Append(text).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(file->Close().ok());
  }

  std::vector<std::string> Listed(const std::string& pattern) {
    std::vector<std::string> names;
    const auto listed = files_->List(pattern).ValueOrDie();
    for (const FileInfo& info : listed) names.push_back(info.path.substr(root_.size() + 1));
    return names;
  }

  std::string root_;
  std::unique_ptr<FileSystem> files_ = MakePosixFileSystem();
};

TEST_F(FilesTest, WritesAppendsAndReadsBack) {
  Write("a", "one");
  Write("a", " two", OpenMode::kAppend);
  EXPECT_EQ(ReadFile(*files_, Path("a")).ValueOrDie(), "one two");
  Write("a", "three");
  EXPECT_EQ(ReadFile(*files_, Path("a")).ValueOrDie(), "three");
  const FileInfo info = files_->Stat(Path("a")).ValueOrDie();
  EXPECT_EQ(info.size, 5);
  EXPECT_GT(info.modified_us, 0);
  EXPECT_FALSE(info.is_directory);
}

TEST_F(FilesTest, ReadsWhatIsLargerThanOneChunk) {
  std::string text(200'001, 'x');
  text[150'000] = 'y';
  Write("large", text);
  EXPECT_EQ(ReadFile(*files_, Path("large")).ValueOrDie(), text);
}

TEST_F(FilesTest, ReadsLessOnlyAtTheEnd) {
  Write("a", "0123456789");
  auto file = files_->OpenInput(Path("a")).ValueOrDie();
  char bytes[8];
  EXPECT_EQ(file->ReadAt(4, bytes).ValueOrDie(), 6u);
  EXPECT_EQ(std::string_view(bytes, 6), "456789");
  EXPECT_EQ(file->ReadAt(10, bytes).ValueOrDie(), 0u);
  EXPECT_EQ(file->Size().ValueOrDie(), 10);
}

TEST_F(FilesTest, ListsFilesDirectoriesAndGlobs) {
  ASSERT_TRUE(files_->CreateDirectories(Path("data/day=1/deep")).ok());
  ASSERT_TRUE(files_->CreateDirectories(Path("data/day=2")).ok());
  ASSERT_TRUE(files_->CreateDirectories(Path("data/.hidden")).ok());
  for (const char* name :
       {"data/b.csv", "data/a.csv", "data/day=1/c.csv", "data/day=1/deep/d.csv",
        "data/day=2/e.json", "data/.f.csv", "data/.hidden/g.csv", "data/[x].csv"}) {
    Write(name, "x");
  }
  std::filesystem::create_directory_symlink(Path("data"), Path("data/day=2/loop"));

  EXPECT_THAT(Listed(Path("data/a.csv")), ElementsAre("data/a.csv"));
  EXPECT_THAT(Listed(Path("data")),
              ElementsAre("data/[x].csv", "data/a.csv", "data/b.csv", "data/day=1/c.csv",
                          "data/day=1/deep/d.csv", "data/day=2/e.json"));
  EXPECT_THAT(Listed(Path("data/?.csv")), ElementsAre("data/a.csv", "data/b.csv"));
  EXPECT_THAT(Listed(Path("data/day=*")),
              ElementsAre("data/day=1/c.csv", "data/day=1/deep/d.csv", "data/day=2/e.json"));
  EXPECT_THAT(Listed(Path("data/[x].csv")), ElementsAre("data/[x].csv"));  // as it stands, first
  EXPECT_THAT(Listed(Path("nowhere/*.csv")), IsEmpty());
}

TEST_F(FilesTest, RenameReplaces) {
  Write("from", "new");
  Write("to", "old");
  ASSERT_TRUE(files_->Rename(Path("from"), Path("to")).ok());
  EXPECT_EQ(ReadFile(*files_, Path("to")).ValueOrDie(), "new");
  EXPECT_FALSE(files_->Stat(Path("from")).ok());
}

TEST_F(FilesTest, TellsErrorsApart) {
  Write("file", "x");
  ASSERT_TRUE(files_->CreateDirectories(Path("full")).ok());
  Write("full/file", "x");
  const struct {
    Status status;
    int system_error;
    std::string names;
  } cases[] = {
      {files_->OpenInput(Path("sub/none")).status(), ENOENT, Path("sub/none")},
      {files_->OpenInput(root_).status(), EISDIR, root_},
      {files_->OpenInput(Path("file/below")).status(), ENOTDIR, Path("file/below")},
      {files_->OpenOutput(Path("file"), OpenMode::kCreateNew).status(), EEXIST, Path("file")},
      {files_->List(Path("none")).status(), ENOENT, Path("none")},
      {files_->Rename(Path("none"), Path("to")), ENOENT, Path("none")},
      {files_->Remove(Path("full")), ENOTEMPTY, Path("full")},
      {files_->CreateDirectories(Path("file")), ENOTDIR, Path("file")},
  };
  for (const auto& c : cases) {
    ASSERT_FALSE(c.status.ok());
    SCOPED_TRACE(c.status.message());
    EXPECT_EQ(InfoOf(c.status).system_error, c.system_error);
    EXPECT_EQ(InfoOf(c.status).error_class, ErrorClass::kUser);
    EXPECT_THAT(c.status.message(), HasSubstr("'" + c.names + "'"));
    EXPECT_FALSE(InfoOf(c.status).hint.empty());
  }
  EXPECT_THAT(InfoOf(cases[0].status).hint,
              HasSubstr("'" + root_ + "'"));  // what exists of the path
}

TEST_F(FilesTest, AFullDiskIsTransient) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  auto file = files_->OpenOutput("/dev/full", OpenMode::kAppend).ValueOrDie();
  const Status status = file->Append("x");
  EXPECT_EQ(InfoOf(status).system_error, ENOSPC);
  EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kTransient);
  EXPECT_THAT(Describe(status), HasSubstr("No space left on device\n  hint: free space"));
}

TEST(PosixErrorTest, PermissionIsTheUsersToGive) {
  const Status status = PosixError(EACCES, "open", "/secret");
  EXPECT_EQ(status.message(), "cannot open '/secret': Permission denied");
  EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kUser);
  EXPECT_THAT(InfoOf(status).hint, HasSubstr("user " + std::to_string(geteuid())));
}

}  // namespace
}  // namespace millrace
