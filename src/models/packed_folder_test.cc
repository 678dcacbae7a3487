#include "models/packed_folder.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <arrow/buffer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class PackedFolderTest : public testing::Test {
 protected:
  PackedFolderTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "variables/more");
    Put("saved_model.pb", "graph");
    Put("variables/more/data", std::string("\0weights", 8));
    Put("empty", "");
  }
  ~PackedFolderTest() override { fs::remove_all(folder_); }

  void Put(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  std::string Packed() {
    return PackFolder(env_->files(), folder_.string() + "/", 13).ValueOrDie()->ToString();
  }
  static std::string ContentOf(const fs::path& path) {
    std::stringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
  }

  const std::unique_ptr<Env> env_ = MakeSystemEnv(1);
  const fs::path folder_ = fs::path(testing::TempDir()) / "packed_folder_test";
};

TEST_F(PackedFolderTest, ComesBackAsItWas) {
  const std::string bytes = Packed();
  EXPECT_TRUE(IsPackedFolder(bytes));
  EXPECT_EQ(bytes, Packed());
  std::string path;
  {
    const auto unpacked = UnpackedFolder::Make(bytes, *env_).ValueOrDie();
    path = unpacked->path();
    EXPECT_EQ(ContentOf(path + "/saved_model.pb"), "graph");
    EXPECT_EQ(ContentOf(path + "/variables/more/data"), std::string("\0weights", 8));
    EXPECT_TRUE(fs::exists(path + "/empty"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(PackedFolderTest, IsNotReadWhereItIsTooLarge) {
  EXPECT_THAT(PackFolder(env_->files(), folder_.string(), 12).status().message(),
              HasSubstr("13 bytes, and 12 are allowed"));
}

TEST_F(PackedFolderTest, DamagedBytes) {
  const std::string bytes = Packed();
  for (const size_t size : {size_t{6}, bytes.size() / 2, bytes.size() - 1}) {
    const auto unpacked = UnpackedFolder::Make(bytes.substr(0, size), *env_);
    EXPECT_THAT(unpacked.status().message(), HasSubstr("files cannot be read")) << size;
  }
}

TEST_F(PackedFolderTest, NoNameLeadsOutOfTheFolder) {
  std::string bytes = Packed();
  const size_t name = bytes.find("variables/more/data");
  bytes.replace(name, 12, "../../../../");
  const auto unpacked = UnpackedFolder::Make(bytes, *env_);
  EXPECT_THAT(unpacked.status().message(), HasSubstr("which is in no folder of it"));
}

}  // namespace
}  // namespace millrace
