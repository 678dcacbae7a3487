#pragma once

#include "spi/sink.h"

namespace millrace {

/// A sink whose rows are out as soon as they are written: nothing to rotate, commit or recover.
class UnstoredSink : public SinkWriter {
 public:
  Result<std::vector<Committable>> Rotate(CheckpointId) override {
    return std::vector<Committable>{};
  }
  void FlushAsync(CheckpointId, std::function<void(Status)> done) override { done(Status::OK()); }
  void CommitAsync(std::vector<Committable> committables, CommitDone done) override {
    done(std::vector<CommitOutcome>(committables.size(), CommitOutcome::kAlreadyCommitted));
  }
  void RecoverAsync(std::vector<Committable> committables, int, CommitDone done) override {
    CommitAsync(std::move(committables), std::move(done));
  }
  void FinishAsync(std::function<void(Status)> done) override { done(Status::OK()); }
};

}  // namespace millrace
