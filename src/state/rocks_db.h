#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>

#include "base/error.h"
#include "base/ids.h"
#include "state/state.h"

namespace millrace {

/// The RocksDB of one store: no log, as checkpoints make it durable. Closed and its folder removed
/// when the last reference goes. Thread-safe.
class RocksDb {
 public:
  /// Whether a compaction may drop a row.
  using IsDead = std::function<bool(std::string_view key, std::string_view value)>;

  static Result<std::shared_ptr<RocksDb>> Open(const RocksOptions& options);
  ~RocksDb();

  /// A part of the database with its own keys. `dead()` is asked as a compaction starts, for what
  /// is dead then; may be null.
  Result<rocksdb::ColumnFamilyHandle*> AddFamily(const std::string& name,
                                                 std::function<IsDead()> dead);
  rocksdb::DB& db() { return *db_; }
  Status Check(const rocksdb::Status& status) const;
  int64_t memory_bytes() const;

 private:
  explicit RocksDb(const RocksOptions& options);

  std::string folder_;  ///< its own
  rocksdb::Options options_;
  std::shared_ptr<rocksdb::Cache> blocks_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

/// The database as it was at a moment; holds it open.
class RocksSnapshot {
 public:
  explicit RocksSnapshot(std::shared_ptr<RocksDb> db);
  ~RocksSnapshot();
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  RocksDb& db() const { return *db_; }
  std::unique_ptr<rocksdb::Iterator> Iterate(rocksdb::ColumnFamilyHandle* family) const;

 private:
  const std::shared_ptr<RocksDb> db_;
  const rocksdb::Snapshot* const snapshot_;
};

rocksdb::WriteOptions WithoutLog();
inline std::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
inline rocksdb::Slice SliceOf(std::string_view text) { return {text.data(), text.size()}; }

// Keys are compared as bytes: numbers are big-endian, times have their sign flipped.
void AppendGroup(KeyGroup group, std::string* out);
void AppendTime(int64_t time_us, std::string* out);
int64_t TimeAt(std::string_view bytes);
constexpr size_t kGroupBytes = 2;
constexpr size_t kTimeBytes = 8;

}  // namespace millrace
