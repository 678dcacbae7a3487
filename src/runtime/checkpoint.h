#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/ids.h"
#include "task/stage_task.h"

namespace millrace {

/// State of a source's finder: a part without a group of the source's node.
constexpr std::string_view kFinderState = "$finder";

/// A part in a checkpoint: `length` bytes of `file` from `offset`, an Arrow IPC stream (JSON for
/// "$task", the connector's own bytes for "$finder").
struct StoredPart {
  PartId id;
  int version = 1;
  int subtask = 0;      ///< that wrote it
  int parallelism = 1;  ///< of its stage
  int max_parallelism = 128;
  std::string file;  ///< relative to the checkpoint's folder; may lie in that of an older one
  int64_t offset = 0;
  int64_t length = 0;
  uint32_t crc32 = 0;
  uint64_t content_version = 0;  ///< of the task that wrote it; only in memory. 0: unknown
};

/// A complete checkpoint: a folder with files of parts and `manifest.json`, which is written last.
struct Checkpoint {
  static constexpr int kFormat = 1;
  CheckpointId id{0};
  std::string path;  ///< its folder
  std::string job;
  std::vector<StoredPart> parts;
  int64_t written_bytes = 0;  ///< of parts that no older checkpoint holds; only in memory

  int64_t state_bytes() const;
};

/// What a checkpoint is written from.
struct CheckpointContent {
  struct Task {
    std::string file;
    int subtask = 0;
    int parallelism = 1;
    int max_parallelism = 128;
    std::shared_ptr<StageSnapshot> snapshot;  ///< null: nothing to write
  };
  struct Finder {
    NodeId node;
    std::string state;
  };
  CheckpointId id{0};
  std::string job;
  std::vector<Task> tasks;
  std::vector<Finder> finders;
  /// The checkpoint before, of the same tasks, in the same folder: parts that have not changed
  /// since are referred to, unless that would keep a file of which less than half is still of use.
  /// Null: everything is written.
  std::shared_ptr<const Checkpoint> base;
};

/// `<folder>/chk-<id>`.
std::string CheckpointPath(const std::string& folder, CheckpointId id);

/// Settles between who writes a checkpoint and who waits for it whether it may become complete.
/// Thread-safe.
class CheckpointClaim {
 public:
  /// False where it is too late: it may be complete by now.
  bool GiveUp() { return Change(State::kGivenUp); }
  /// False where it was given up.
  bool Publish() { return Change(State::kPublished); }
  bool given_up() const { return state_.load() == State::kGivenUp; }

 private:
  enum class State : uint8_t { kOpen, kGivenUp, kPublished };
  bool Change(State to) {
    State was = State::kOpen;
    return state_.compare_exchange_strong(was, to) || was == to;
  }

  std::atomic<State> state_ = State::kOpen;
};

/// Writes a checkpoint into the folder `path`, durable when this returns. Where it fails, or is
/// given up before it is complete, it removes what it has written. May block.
Result<Checkpoint> WriteCheckpoint(FileSystem& files, const std::string& path,
                                   const CheckpointContent& content, CheckpointClaim& claim);

/// The folders of the checkpoints that `path` stands for, the newest first: itself, where it is
/// one, or the complete ones below it. A user error where there is none. May block.
Result<std::vector<std::string>> FindCheckpoints(FileSystem& files, const std::string& path);

/// Reads the manifest in the folder of a checkpoint; a data error where it is damaged. May block.
Result<Checkpoint> ReadCheckpoint(FileSystem& files, const std::string& folder);

/// The bytes of a part; a data error where they are not those that were written.
Result<std::string> ReadPart(FileSystem& files, const Checkpoint& checkpoint,
                             const StoredPart& part);

/// The highest id of a checkpoint in `folder`, complete or not; 0: there is none.
int64_t HighestCheckpoint(FileSystem& files, const std::string& folder);

/// Removes the complete checkpoints of `folder` up to `newest` but the last `keep`, and what is
/// left of others before it. Files that a kept one refers to stay, and so does what is newer.
Status RemoveOldCheckpoints(FileSystem& files, const std::string& folder, CheckpointId newest,
                            int keep);

}  // namespace millrace
