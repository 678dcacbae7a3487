#include "models/model_file.h"

#include <utility>

#include <gtest/gtest.h>

namespace millrace {
namespace {

/// Where nothing can be opened.
class FailingFiles final : public FileSystem {
 public:
  explicit FailingFiles(Status status) : status_(std::move(status)) {}

  Result<std::unique_ptr<InputFile>> OpenInput(const std::string&) override { return status_; }
  Result<std::unique_ptr<OutputFile>> OpenOutput(const std::string&, OpenMode) override {
    return status_;
  }
  Result<FileInfo> Stat(const std::string&) override { return status_; }
  Result<std::vector<FileInfo>> List(const std::string&) override { return status_; }
  Status CreateDirectories(const std::string&) override { return status_; }
  Status Rename(const std::string&, const std::string&) override { return status_; }
  Status Remove(const std::string&) override { return status_; }

 private:
  const Status status_;
};

TEST(ModelFileTest, AFaultOfTheDiskMayBeTriedAgain) {
  const std::pair<Status, ErrorClass> cases[] = {
      {Error::User("no such file"), ErrorClass::kUser},
      {Error::Transient("input/output error"), ErrorClass::kTransient},
  };
  for (const auto& [cause, error_class] : cases) {
    FailingFiles files(cause);
    const Status status = ReadModelFile(files, "m.onnx", "check the path").status();
    EXPECT_EQ(InfoOf(status).error_class, error_class);
    EXPECT_EQ(Describe(status), "the model file cannot be read: " + cause.message() +
                                    "\n  at m.onnx\n  hint: check the path");
  }
}

}  // namespace
}  // namespace millrace
