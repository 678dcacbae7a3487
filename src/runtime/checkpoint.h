#pragma once

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
  std::string file;  ///< in the checkpoint's folder
  int64_t offset = 0;
  int64_t length = 0;
  uint32_t crc32 = 0;
};

/// A complete checkpoint: a folder with files of parts and `manifest.json`, which is written last.
struct Checkpoint {
  static constexpr int kFormat = 1;
  CheckpointId id{0};
  std::string path;  ///< its folder
  std::string job;
  std::vector<StoredPart> parts;
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
};

/// Writes `<folder>/chk-<id>`, durable when this returns; gives its path. May block.
Result<std::string> WriteCheckpoint(FileSystem& files, const std::string& folder,
                                    const CheckpointContent& content);

/// Reads a checkpoint's manifest. `path`: its folder, or a folder of checkpoints, of which the
/// newest complete one is taken. May block.
Result<Checkpoint> ReadCheckpoint(FileSystem& files, const std::string& path);

/// The bytes of a part; an error where they are not those that were written.
Result<std::string> ReadPart(FileSystem& files, const Checkpoint& checkpoint,
                             const StoredPart& part);

/// Removes the complete checkpoints of `folder` but the newest `keep`.
Status RemoveOldCheckpoints(FileSystem& files, const std::string& folder, int keep);

}  // namespace millrace
