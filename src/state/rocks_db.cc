#include "state/rocks_db.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <stdlib.h>

namespace millrace {
namespace {

class DeadRows final : public rocksdb::CompactionFilter {
 public:
  explicit DeadRows(RocksDb::IsDead is_dead) : is_dead_(std::move(is_dead)) {}
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    return is_dead_(View(key), View(value));
  }
  const char* Name() const override { return "millrace.DeadRows"; }

 private:
  const RocksDb::IsDead is_dead_;
};

class DeadRowsFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit DeadRowsFactory(std::function<RocksDb::IsDead()> dead) : dead_(std::move(dead)) {}
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<DeadRows>(dead_());
  }
  const char* Name() const override { return "millrace.DeadRowsFactory"; }

 private:
  const std::function<RocksDb::IsDead()> dead_;
};

}  // namespace

RocksDb::RocksDb(const RocksOptions& options) : folder_(options.folder + "/millrace-state-XXXXXX") {
  const auto memory = static_cast<size_t>(options.memory_bytes);
  blocks_ = rocksdb::NewLRUCache(memory / 4);
  options_.create_if_missing = true;
  // Smaller ones would make a file of every few writes.
  const size_t buffers = std::max<size_t>(memory / 4, 1 << 20);
  options_.db_write_buffer_size = buffers;
  options_.write_buffer_size = buffers;
  options_.keep_log_file_num = 1;
  options_.info_log_level = rocksdb::InfoLogLevel::ERROR_LEVEL;
  options_.avoid_flush_during_shutdown = true;
  options_.level_compaction_dynamic_level_bytes = true;
  options_.compression = rocksdb::kLZ4Compression;
  options_.memtable_whole_key_filtering = true;
  options_.memtable_prefix_bloom_size_ratio = 0.05;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = blocks_;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options_.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
}

Result<std::shared_ptr<RocksDb>> RocksDb::Open(const RocksOptions& options) {
  std::shared_ptr<RocksDb> opened(new RocksDb(options));
  ARROW_RETURN_NOT_OK(opened->Check(rocksdb::Env::Default()->CreateDirIfMissing(options.folder)));
  if (::mkdtemp(opened->folder_.data()) == nullptr) {
    return opened->Check(rocksdb::Status::IOError(std::strerror(errno)));
  }
  rocksdb::DB* db = nullptr;
  ARROW_RETURN_NOT_OK(opened->Check(rocksdb::DB::Open(opened->options_, opened->folder_, &db)));
  opened->db_.reset(db);
  return opened;
}

RocksDb::~RocksDb() {
  if (!db_) return;
  for (auto* family : families_) static_cast<void>(db_->DestroyColumnFamilyHandle(family));
  static_cast<void>(db_->Close());
  db_.reset();
  // What cannot be removed is the system's temporary folder to clean.
  static_cast<void>(rocksdb::DestroyDB(folder_, options_));
}

Result<rocksdb::ColumnFamilyHandle*> RocksDb::AddFamily(const std::string& name,
                                                        std::function<IsDead()> dead) {
  rocksdb::ColumnFamilyOptions options(options_);
  if (dead) options.compaction_filter_factory = std::make_shared<DeadRowsFactory>(std::move(dead));
  rocksdb::ColumnFamilyHandle* family = nullptr;
  ARROW_RETURN_NOT_OK(Check(db_->CreateColumnFamily(options, name, &family)));
  families_.push_back(family);
  return family;
}

Status RocksDb::Check(const rocksdb::Status& status) const {
  if (status.ok()) return Status::OK();
  return Error::Transient("RocksDB: " + status.ToString())
      .In(folder_)
      .Hint("see that the disk of 'state.backend.rocksdb.localdir' has room and can be written");
}

int64_t RocksDb::memory_bytes() const {
  uint64_t tables = 0;
  db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &tables);
  return static_cast<int64_t>(tables + blocks_->GetUsage());
}

RocksSnapshot::RocksSnapshot(std::shared_ptr<RocksDb> db)
    : db_(std::move(db)), snapshot_(db_->db().GetSnapshot()) {}

RocksSnapshot::~RocksSnapshot() { db_->db().ReleaseSnapshot(snapshot_); }

std::unique_ptr<rocksdb::Iterator> RocksSnapshot::Iterate(
    rocksdb::ColumnFamilyHandle* family) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  options.fill_cache = false;
  return std::unique_ptr<rocksdb::Iterator>(db_->db().NewIterator(options, family));
}

rocksdb::WriteOptions WithoutLog() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

void AppendGroup(KeyGroup group, std::string* out) {
  out->push_back(static_cast<char>(Raw(group) >> 8));
  out->push_back(static_cast<char>(Raw(group)));
}

void AppendTime(int64_t time_us, std::string* out) {
  const uint64_t flipped = static_cast<uint64_t>(time_us) ^ (uint64_t{1} << 63);
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(flipped >> shift));
}

int64_t TimeAt(std::string_view bytes) {
  uint64_t flipped = 0;
  for (size_t i = 0; i < kTimeBytes; ++i) flipped = flipped << 8 | static_cast<uint8_t>(bytes[i]);
  return static_cast<int64_t>(flipped ^ (uint64_t{1} << 63));
}

}  // namespace millrace
