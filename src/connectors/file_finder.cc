#include <algorithm>

#include "base/suggest.h"
#include "connectors/file_split.h"
#include "connectors/filesystem.h"
#include "connectors/splits_at_once.h"
#include "spi/services.h"

namespace millrace {
namespace {

class FileFinder final : public SplitsAtOnce {
 public:
  FileFinder(std::string path, int64_t split_size, bool splittable)
      : path_(std::move(path)), split_size_(split_size), splittable_(splittable) {}

 private:
  Result<std::vector<Split>> Find(int parallelism, Env& env) override {
    ARROW_ASSIGN_OR_RAISE(const auto files, Files(env.files()));
    std::vector<Split> splits;
    for (const auto& file : files) AddSplits(file, parallelism, &splits);
    return splits;
  }

  Result<std::vector<FileInfo>> Files(FileSystem& files) const {
    auto listed = files.List(path_);
    if (listed.ok() && !listed->empty()) return listed;
    const bool glob = path_.find_first_of("*?[") != std::string::npos;
    const auto info = files.Stat(path_);
    // A directory without files is a table without rows; one that cannot be read is an error as it
    // stands.
    if (info.ok()) return listed;
    return Error::User(glob ? "no file matches '" + path_ + "'"
                            : "there is no file or directory '" + path_ + "'")
        .Hint(Hint(files));
  }

  std::string Hint(FileSystem& files) const {
    const std::string parent = ParentPath(path_);
    std::vector<std::string> names;
    if (const auto siblings = files.List(parent); siblings.ok()) {
      for (const auto& file : *siblings) {
        if (ParentPath(file.path) == parent || parent == ".") names.push_back(FileName(file.path));
      }
    }
    if (const auto nearest = Nearest(FileName(path_), names); !nearest.empty()) {
      return "did you mean '" + (parent == "." ? nearest : parent + "/" + nearest) + "'?";
    }
    return "check the option 'path'; a relative path starts at the directory in which the engine "
           "runs";
  }

  void AddSplits(const FileInfo& file, int parallelism, std::vector<Split>* splits) const {
    FileSplit split{file.path, file.size, file.modified_us, 0, file.size};
    const bool cut = splittable_ && parallelism > 1 && file.size > 2 * split_size_;
    const int64_t ranges = cut ? file.size / split_size_ : 1;
    for (int64_t i = 0; i < ranges; ++i) {
      split.begin = file.size / ranges * i;
      split.end = i + 1 == ranges ? file.size : file.size / ranges * (i + 1);
      splits->push_back(split.ToSplit());
    }
  }

  std::string path_;
  int64_t split_size_;
  bool splittable_;
};

}  // namespace

Result<std::unique_ptr<SplitFinder>> MakeFileFinder(const SourceRequest& request) {
  ARROW_ASSIGN_OR_RAISE(
      const auto decoder,
      request.format->make_decoder({request.config.table.physical, request.config.projection},
                                   request.format_options));
  return std::make_unique<FileFinder>(
      LocalPath(request.options.String("path")),
      std::max<int64_t>(1, request.options.Bytes("source.split-size")), decoder->splittable());
}

}  // namespace millrace
