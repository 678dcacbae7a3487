#include <algorithm>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "connectors/filesystem.h"
#include "spi/services.h"

namespace millrace {
namespace {

constexpr std::string_view kOpenSuffix = ".inprogress";  ///< being written; worthless after a crash
constexpr std::string_view kReadySuffix = ".pending";    ///< durable, waits for its checkpoint

/// Rows of one checkpoint in one file. Hidden until they are committed.
struct Part {
  std::string hidden;  ///< path without suffix
  std::string target;  ///< visible path
  int64_t base =
      -1;  ///< one file for all: its size before these rows; -1: the part is a file of its own
  int64_t bytes = 0;

  std::string open_path() const { return hidden + std::string(kOpenSuffix); }
  std::string ready_path() const { return hidden + std::string(kReadySuffix); }

  Committable ToCommittable() const {
    return {nlohmann::json{{"hidden", hidden}, {"target", target}, {"base", base}, {"bytes", bytes}}
                .dump()};
  }
  static Result<Part> From(const Committable& committable) {
    const auto json = nlohmann::json::parse(committable.bytes, nullptr, false);
    if (!json.is_object() || !json.contains("hidden") || !json.contains("target")) {
      return Error::Internal("a committable of 'filesystem' cannot be read");
    }
    return Part{json.value("hidden", ""), json.value("target", ""), json.value("base", int64_t{-1}),
                json.value("bytes", int64_t{0})};
  }
};

/// A disk that is full or slow may recover; who has to act is told by what the system said.
Status WriteError(const Status& status, const std::string& path, size_t bytes) {
  return Error::Transient("cannot write " + std::to_string(bytes) + " bytes: " + status.message())
      .In(path)
      .Hint("no row of the open part is visible; free space or check the disk");
}

/// Makes a part visible. Any thread; may block.
Result<CommitOutcome> Commit(FileSystem& files, const Part& part) {
  const bool ready = files.Stat(part.ready_path()).ok();
  if (part.base < 0) {
    if (ready) {
      ARROW_RETURN_NOT_OK(files.Rename(part.ready_path(), part.target));
      return CommitOutcome::kCommitted;
    }
    if (files.Stat(part.target).ok()) return CommitOutcome::kAlreadyCommitted;
    return Error::Internal("the rows to commit are gone").In(part.ready_path());
  }
  const auto target = files.Stat(part.target);
  const int64_t size = target.ok() ? target->size : 0;
  if (!ready) {
    if (target.ok() && size >= part.base + part.bytes) return CommitOutcome::kAlreadyCommitted;
    return Error::Internal("the rows to commit are gone").In(part.ready_path());
  }
  if (size == part.base + part.bytes && part.bytes > 0) {
    ARROW_RETURN_NOT_OK(files.Remove(part.ready_path()));
    return CommitOutcome::kAlreadyCommitted;
  }
  if (size != part.base) {
    return Error::User("the file was changed by someone else: it has " + std::to_string(size) +
                       " bytes, expected " + std::to_string(part.base))
        .In(part.target)
        .Hint("let one job write it, or write a directory");
  }
  if (size > 0) {
    // Old and new rows under a name of their own, then in the file's place at once.
    const std::string joined = part.hidden + ".joined";
    ARROW_ASSIGN_OR_RAISE(auto out, files.OpenOutput(joined, OpenMode::kTruncate));
    for (const auto& path : {part.target, part.ready_path()}) {
      ARROW_ASSIGN_OR_RAISE(const auto in, files.OpenInput(path));
      std::string block(1 << 20, '\0');
      for (int64_t at = 0;;) {
        ARROW_ASSIGN_OR_RAISE(const size_t read, in->ReadAt(at, block));
        if (read == 0) break;
        ARROW_RETURN_NOT_OK(out->Append(std::string_view(block).substr(0, read)));
        at += static_cast<int64_t>(read);
      }
    }
    ARROW_RETURN_NOT_OK(out->Sync());
    ARROW_RETURN_NOT_OK(out->Close());
    ARROW_RETURN_NOT_OK(files.Rename(joined, part.target));
    ARROW_RETURN_NOT_OK(files.Remove(part.ready_path()));
  } else {
    ARROW_RETURN_NOT_OK(files.Rename(part.ready_path(), part.target));
  }
  return CommitOutcome::kCommitted;
}

/// A part that takes no more rows and is not durable yet.
struct ClosedPart {
  Part part;
  std::unique_ptr<OutputFile> file;

  Status Flush(FileSystem& files) const {
    auto status = file->Sync();
    if (status.ok()) status = file->Close();
    if (!status.ok()) return WriteError(status, part.open_path(), static_cast<size_t>(part.bytes));
    return files.Rename(part.open_path(), part.ready_path());
  }
};

class FileWriter final : public SinkWriter {
 public:
  FileWriter(const SinkRequest& request, std::unique_ptr<Encoder> encoder, std::string path,
             bool one_file)
      : env_(request.services.env()),
        encoder_(std::move(encoder)),
        path_(std::move(path)),
        one_file_(one_file),
        job_(request.job),
        subtask_(request.subtask),
        parallelism_(request.parallelism),
        extension_(request.format->name),
        max_size_(request.options.Bytes("sink.rolling-policy.file-size")) {
    for (char& c : job_) {
      if (c == '/') c = '_';
    }
  }

  Status Write(const Batch& batch, std::vector<RejectedRecord>*) override {
    if (batch.empty()) return Status::OK();
    text_.clear();
    if (!open_.file) ARROW_RETURN_NOT_OK(OpenPart());
    if (open_.part.bytes == 0 && open_.part.base <= 0) text_ = encoder_->Header();
    ARROW_RETURN_NOT_OK(encoder_->Encode(*batch.rows, &text_));
    if (auto status = open_.file->Append(text_); !status.ok()) {
      return WriteError(status, open_.part.open_path(), text_.size());
    }
    open_.part.bytes += static_cast<int64_t>(text_.size());
    if (open_.part.bytes >= max_size_ && !one_file_) ClosePart();
    return Status::OK();
  }

  Result<std::vector<Committable>> Rotate(CheckpointId) override {
    ClosePart();
    std::vector<Committable> committables;
    for (auto& closed : closed_) {
      committables.push_back(closed.part.ToCommittable());
      rotated_.push_back(std::move(closed));
    }
    closed_.clear();
    return committables;
  }

  void FlushAsync(CheckpointId, std::function<void(Status)> done) override {
    env_.Execute([files = &env_.files(), parts = Shared(rotated_), done = std::move(done)] {
      done(FlushAll(*files, *parts));
    });
  }

  void CommitAsync(std::vector<Committable> committables, CommitDone done) override {
    env_.Execute([files = &env_.files(), committables = std::move(committables),
                  done = std::move(done)] { done(CommitAll(*files, committables)); });
  }

  void RecoverAsync(std::vector<Committable> committables, int old_parallelism,
                    CommitDone done) override {
    env_.Execute([files = &env_.files(), committables = std::move(committables),
                  leftovers = LeftoverPatterns(old_parallelism),
                  alone = old_parallelism <= 1 && parallelism_ == 1, done = std::move(done)] {
      auto outcomes = CommitAll(*files, committables);
      if (outcomes.ok()) {
        for (const auto& pattern : leftovers) Discard(*files, pattern, alone);
      }
      done(std::move(outcomes));
    });
  }

  void FinishAsync(std::function<void(Status)> done) override {
    ClosePart();
    env_.Execute([files = &env_.files(), parts = Shared(closed_), done = std::move(done)] {
      Status status = FlushAll(*files, *parts);
      for (size_t i = 0; i < parts->size() && status.ok(); ++i) {
        status = Commit(*files, (*parts)[i].part).status();
      }
      done(status);
    });
  }

 private:
  static Status FlushAll(FileSystem& files, const std::vector<ClosedPart>& parts) {
    for (const auto& part : parts) ARROW_RETURN_NOT_OK(part.Flush(files));
    return Status::OK();
  }

  static Result<std::vector<CommitOutcome>> CommitAll(
      FileSystem& files, const std::vector<Committable>& committables) {
    std::vector<CommitOutcome> outcomes;
    for (const auto& committable : committables) {
      ARROW_ASSIGN_OR_RAISE(const auto part, Part::From(committable));
      ARROW_ASSIGN_OR_RAISE(outcomes.emplace_back(), Commit(files, part));
    }
    return outcomes;
  }

  /// Files that never got into a snapshot. A pending one may be in another subtask's: it is removed
  /// only where there is no other. What cannot be removed stays hidden.
  static void Discard(FileSystem& files, const std::string& pattern, bool pending_too) {
    const auto found = files.List(pattern);
    if (!found.ok()) return;
    for (const auto& file : *found) {
      if (!file.path.ends_with(kReadySuffix) || pending_too) {
        if (const auto status = files.Remove(file.path); !status.ok()) {
          Log(LogLevel::kWarn, "filesystem", "a leftover part stays",
              {{"path", file.path}, {"error", status.message()}});
        }
      }
    }
  }

  std::string Prefix(int subtask) const {
    return (one_file_ ? FileName(path_) + "." : std::string("part-")) + job_ + "-" +
           std::to_string(subtask) + "-";
  }
  std::string Directory() const { return one_file_ ? ParentPath(path_) : path_; }

  std::vector<std::string> LeftoverPatterns(int old_parallelism) const {
    std::vector<std::string> patterns;
    for (int subtask = subtask_; subtask < std::max(old_parallelism, parallelism_);
         subtask += parallelism_) {
      patterns.push_back(Directory() + "/." + Prefix(subtask) + "*");
    }
    return patterns;
  }

  /// The first number that no visible or hidden part of this subtask has.
  int64_t FirstNumber() const {
    const std::string prefix = Prefix(subtask_);
    int64_t first = 0;
    for (const auto& pattern :
         {Directory() + "/" + prefix + "*", Directory() + "/." + prefix + "*"}) {
      const auto found = env_.files().List(pattern);
      if (!found.ok()) continue;
      for (const auto& file : *found) {
        const std::string name = FileName(file.path);
        const char* number = name.c_str() + prefix.size() + (name.front() == '.' ? 1 : 0);
        first = std::max<int64_t>(first, std::strtoll(number, nullptr, 10) + 1);
      }
    }
    return first;
  }

  Status OpenPart() {
    auto& files = env_.files();
    if (next_ < 0) {
      ARROW_RETURN_NOT_OK(files.CreateDirectories(Directory()));
      next_ = FirstNumber();
    }
    const std::string name =
        Prefix(subtask_) + std::to_string(next_++) + (one_file_ ? "" : "." + extension_);
    Part part{Directory() + "/." + name, one_file_ ? path_ : path_ + "/" + name};
    if (one_file_) {
      if (size_ < 0) {
        const auto info = files.Stat(path_);
        size_ = info.ok() ? info->size : 0;
      }
      part.base = size_;
    }
    ARROW_ASSIGN_OR_RAISE(open_.file, files.OpenOutput(part.open_path(), OpenMode::kTruncate));
    open_.part = std::move(part);
    return Status::OK();
  }

  void ClosePart() {
    if (!open_.file) return;
    if (one_file_) size_ += open_.part.bytes;
    closed_.push_back(std::move(open_));
    open_ = {};
  }

  /// For functions that have to be copied.
  static std::shared_ptr<std::vector<ClosedPart>> Shared(std::vector<ClosedPart>& parts) {
    return std::make_shared<std::vector<ClosedPart>>(std::exchange(parts, {}));
  }

  Env& env_;
  std::unique_ptr<Encoder> encoder_;
  std::string path_;
  bool one_file_;
  std::string job_;
  int subtask_, parallelism_;
  std::string extension_;
  int64_t max_size_;
  int64_t next_ = -1;
  int64_t size_ = -1;  ///< one file: with all rows so far, committed or not
  ClosedPart open_;
  std::vector<ClosedPart> closed_;   ///< since the last barrier
  std::vector<ClosedPart> rotated_;  ///< of a barrier, to be flushed
  std::string text_;
};

}  // namespace

Result<std::unique_ptr<SinkWriter>> MakeFileWriter(const SinkRequest& request) {
  std::string path = LocalPath(request.options.String("path"));
  const bool directory = path.ends_with('/');
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.find_first_of("*?[") != std::string::npos) {
    return Error::User("a sink cannot write to the glob '" + path + "'")
        .Hint("name a directory or a file");
  }
  const bool one_file =
      !directory && request.parallelism == 1 && FileName(path).find('.', 1) != std::string::npos;
  if (const auto info = request.services.env().files().Stat(path); info.ok()) {
    if (one_file && info->is_directory) {
      return Error::User("'" + path + "' is a directory").Hint("write '" + path + "/'");
    }
    if (!one_file && !info->is_directory) {
      return Error::User("'" + path + "' is a file, and a directory is to be written")
          .Hint("choose another path, or set the sink's parallelism to 1");
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto encoder, request.format->make_encoder(request.config.table.physical,
                                                                   request.format_options));
  return std::make_unique<FileWriter>(request, std::move(encoder), std::move(path), one_file);
}

}  // namespace millrace
