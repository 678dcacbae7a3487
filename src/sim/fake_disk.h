#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "sim/power.h"

namespace millrace {

/// Files in memory that survive a crash as far as they were synced. One thread.
class FakeDisk final : public FileSystem {
 public:
  /// Probabilities, and how many may come before the disk is sound.
  struct Faults {
    double append_fails = 0;  ///< a write finds the disk full; half of it is there
    double other_fails = 0;   ///< of opening, syncing and renaming
    int64_t most = std::numeric_limits<int64_t>::max();
  };

  FakeDisk(uint64_t seed, Faults faults) : random_(seed), faults_(faults) {}

  void SetFaults(Faults faults) { faults_ = faults; }
  Power& power() { return power_; }
  /// Puts a file there, whatever becomes of the machine: it has always been there.
  void Put(const std::string& path, std::string_view content);
  /// The machine has lost its power: of what was not synced, a random part of each file stays; a
  /// file that never was may be gone.
  void Crash();

  Result<std::unique_ptr<InputFile>> OpenInput(const std::string& path) override;
  Result<std::unique_ptr<OutputFile>> OpenOutput(const std::string& path, OpenMode mode) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<std::vector<FileInfo>> List(const std::string& pattern) override;
  Status CreateDirectories(const std::string& /*path*/) override { return Status::OK(); }
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;

 private:
  friend class FakeOutput;
  struct File {
    std::string bytes;
    size_t synced = 0;
    bool ever_synced = false;
  };

  bool Fails(double probability);
  /// Of something other than a write: whether it happens.
  Status Try(const std::string& path);

  std::mt19937_64 random_;  // allowed: this is the Env of the simulator
  Faults faults_;
  Power power_;
  std::map<std::string, std::shared_ptr<File>> files_;
};

}  // namespace millrace
