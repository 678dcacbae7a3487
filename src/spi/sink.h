#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "spi/source.h"
#include "types/batch.h"

namespace millrace {

/// What a writer needs to make rows visible once their checkpoint is complete. Idempotent to
/// commit.
struct Committable {
  std::string bytes;
};

enum class CommitOutcome { kCommitted, kAlreadyCommitted };
using CommitDone = std::function<void(Result<std::vector<CommitOutcome>>)>;

/// Writes rows. One thread at a time; never blocks longer than a local write. Done functions may be
/// called on any thread.
class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  virtual bool HasRoom() const { return true; }
  /// Calls `ready` when `HasRoom` turns true again.
  virtual void OnReady(std::function<void()> /*ready*/) {}
  /// Rows that cannot be written are added to `rejected`; a failed status means none of them could
  /// be.
  virtual Status Write(const Batch& batch, std::vector<RejectedRecord>* rejected) = 0;
  /// At the barrier: closes what is open and names it. Handles only, no waiting.
  virtual Result<std::vector<Committable>> Rotate(CheckpointId id) = 0;
  /// The checkpoint is acknowledged after this.
  virtual void FlushAsync(CheckpointId id, std::function<void(Status)> done) = 0;
  virtual void CommitAsync(std::vector<Committable> committables, CommitDone done) = 0;
  /// On a restore: commits what the snapshot holds and discards what never got into one.
  virtual void RecoverAsync(std::vector<Committable> committables, int old_parallelism,
                            CommitDone done) = 0;
  /// No more rows: all of them are durable and visible after `done`. A bounded job without
  /// checkpoints ends so.
  virtual void FinishAsync(std::function<void(Status)> done) = 0;
};

}  // namespace millrace
