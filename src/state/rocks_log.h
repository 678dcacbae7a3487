#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "state/part_versions.h"
#include "state/rocks_db.h"
#include "state/stored_state.h"

namespace millrace {

/// What a log and its snapshots have forgotten: a compaction may drop only what none of them shows.
/// Thread-safe.
class LogFloor {
 public:
  static constexpr int64_t kNothing = INT64_MIN;

  void RaiseTo(int64_t time_us);
  int64_t time_us() const;
  void SetOver(int64_t before_us);
  int64_t over_before_us() const;
  int64_t Hold();  ///< the present floor, until `Release`
  void Release(int64_t held_us);
  int64_t lowest_us() const;

 private:
  mutable std::mutex mutex_;
  int64_t floor_us_ = kNothing;
  int64_t over_before_us_ = kNothing;  ///< rows written until then have outlived their TTL
  std::multiset<int64_t> held_;
};

/// `KeyedLog` in RocksDB: a row is {key group, key, time, number} with its values as bytes.
/// Trimming moves a floor below which rows are not seen; compactions drop them.
class RocksLog final : public StoredLog {
 public:
  static Result<std::unique_ptr<StoredLog>> Make(const StateSpec& spec, KeyGroupRange range,
                                                 int max_parallelism, std::shared_ptr<RocksDb> db);

  Status Append(const RowKeys& keys, std::span<const EventTime> times,
                const arrow::RecordBatch& rows) override;
  Status Range(const RowKeys& keys, std::span<const TimeRange> ranges, size_t max_rows,
               std::vector<int32_t>* probe, std::shared_ptr<arrow::RecordBatch>* rows,
               uint64_t* resume) override;
  Status TrimBefore(EventTime time) override;

  Status BeginCall(int64_t now_us) override;
  Result<std::shared_ptr<const FrozenState>> Freeze() override;
  Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) override;
  int64_t memory_bytes() const override { return 0; }

 private:
  RocksLog(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range, int max_parallelism,
           std::shared_ptr<RocksDb> db);
  size_t IndexOf(KeyGroup group) const {
    return static_cast<size_t>(Raw(group) - Raw(range_.first));
  }
  /// `written_us`: of each row; empty: now.
  Status Put(const RowKeys& keys, std::span<const EventTime> times,
             std::span<const int64_t> written_us, const arrow::ArrayVector& values);

  const StateSpec spec_;
  const KeyEncoder encoder_;
  const KeyGroupRange range_;
  const int max_parallelism_;
  const std::shared_ptr<RocksDb> db_;
  const std::shared_ptr<arrow::Schema> schema_;  ///< of the values
  const arrow::FieldVector fields_;              ///< of a part
  const std::shared_ptr<LogFloor> floor_;
  rocksdb::ColumnFamilyHandle* family_ = nullptr;
  PartVersions versions_;
  std::vector<int64_t> oldest_us_;  ///< by group: no row is older; `kNone` where there is none
  int64_t now_us_ = 0;
  uint64_t number_ = 0;  ///< of the next row
  std::string resume_;   ///< where `Range` goes on
};

}  // namespace millrace
