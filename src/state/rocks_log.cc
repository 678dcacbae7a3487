#include "state/rocks_log.h"

#include <algorithm>
#include <cstring>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <rocksdb/write_batch.h>

#include "state/key_index.h"
#include "state/log_part.h"
#include "state/row_ages.h"
#include "state/value_codec.h"

namespace millrace {
namespace {

constexpr size_t kNumberBytes = 8;

// The length keeps a key from being the beginning of another.
void AppendKey(KeyGroup group, std::string_view key, std::string* out) {
  AppendGroup(group, out);
  const auto length = static_cast<uint32_t>(key.size());
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(length >> shift));
  out->append(key);
}

int64_t TimeOf(std::string_view row_key) {
  return TimeAt(row_key.substr(row_key.size() - kNumberBytes - kTimeBytes));
}

int64_t WrittenAt(std::string_view row) {
  int64_t written;
  std::memcpy(&written, row.data(), sizeof written);
  return written;
}

/// Builds arrays of rows.
class RowReader {
 public:
  static Result<RowReader> Make(const arrow::Schema& schema) {
    RowReader reader;
    reader.fields_ = schema.fields();
    for (const auto& field : schema.fields()) {
      ARROW_ASSIGN_OR_RAISE(reader.builders_.emplace_back(), arrow::MakeBuilder(field->type()));
    }
    return reader;
  }
  Status Add(std::string_view row) {
    row.remove_prefix(sizeof(int64_t));
    for (size_t i = 0; i < builders_.size(); ++i) {
      arrow::ArrayBuilder* builder = builders_[i].get();
      uint32_t length;
      std::memcpy(&length, row.data(), sizeof length);
      row.remove_prefix(sizeof length);
      if (length == 0) {
        ARROW_RETURN_NOT_OK(builder->AppendNull());
        continue;
      }
      ARROW_RETURN_NOT_OK(DecodeValue(*fields_[i]->type(), row.substr(0, length - 1), builder));
      row.remove_prefix(length - 1);
    }
    return Status::OK();
  }
  Result<arrow::ArrayVector> Finish() {
    arrow::ArrayVector arrays;
    for (auto& builder : builders_) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder->Finish());
    }
    return arrays;
  }

 private:
  arrow::FieldVector fields_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
};

void AppendRow(const arrow::ArrayVector& values, int64_t row, int64_t written_us,
               std::string* out) {
  out->append(reinterpret_cast<const char*>(&written_us), sizeof written_us);
  for (const auto& column : values) {
    const size_t at = out->size();
    uint32_t length = 0;  // NULL
    out->append(sizeof length, '\0');
    if (column->IsNull(row)) continue;
    EncodeValue(*column, row, out);
    length = static_cast<uint32_t>(out->size() - at - sizeof length) + 1;
    std::memcpy(out->data() + at, &length, sizeof length);
  }
}

std::shared_ptr<arrow::Array> Int64s(const std::vector<int64_t>& values,
                                     const std::shared_ptr<arrow::DataType>& type) {
  return arrow::MakeArray(arrow::ArrayData::Make(type, static_cast<int64_t>(values.size()),
                                                 {nullptr, arrow::Buffer::FromVector(values)}, 0));
}

struct FrozenRocksLog final : FrozenState {
  FrozenRocksLog(const KeyEncoder& key_encoder, std::shared_ptr<arrow::Schema> values,
                 arrow::FieldVector part_fields, PartVersions part_versions,
                 std::shared_ptr<LogFloor> log_floor, std::shared_ptr<RocksDb> db,
                 rocksdb::ColumnFamilyHandle* rows)
      : encoder(key_encoder),
        schema(std::move(values)),
        fields(std::move(part_fields)),
        versions(std::move(part_versions)),
        floor(std::move(log_floor)),
        floor_us(floor->Hold()),
        over_before_us(floor->over_before_us()),
        disk(std::move(db)),
        family(rows) {}
  ~FrozenRocksLog() override { floor->Release(floor_us); }

  std::vector<KeyGroup> groups() const override { return with_rows; }
  uint64_t version(KeyGroup group) const override { return versions.of(group); }
  Status Write(const PartHeader& header, KeyGroup group, std::string* out) const override;

  const KeyEncoder encoder;
  const std::shared_ptr<arrow::Schema> schema;
  const arrow::FieldVector fields;
  const PartVersions versions;
  const std::shared_ptr<LogFloor> floor;
  const int64_t floor_us;
  const int64_t over_before_us;
  const RocksSnapshot disk;
  rocksdb::ColumnFamilyHandle* const family;
  std::vector<KeyGroup> with_rows;
};

Status FrozenRocksLog::Write(const PartHeader& header, KeyGroup group, std::string* out) const {
  ARROW_ASSIGN_OR_RAISE(auto writer, PartWriter::Make(header, fields));
  ARROW_ASSIGN_OR_RAISE(RowReader reader, RowReader::Make(*schema));
  const auto time_type = RowAges::Field()->type();
  std::vector<std::string> keys;
  std::vector<int64_t> times, written;
  const auto flush = [&]() -> Status {
    if (keys.empty()) return Status::OK();
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    ARROW_ASSIGN_OR_RAISE(const auto key_rows, encoder.Decode(views));
    arrow::ArrayVector arrays = key_rows->columns();
    arrays.push_back(Int64s(times, time_type));
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector values, reader.Finish());
    arrays.insert(arrays.end(), values.begin(), values.end());
    if (arrays.size() < fields.size()) arrays.push_back(Int64s(written, time_type));
    keys.clear();
    times.clear();
    written.clear();
    return writer->Write(arrays);
  };
  std::string prefix;
  AppendGroup(group, &prefix);
  const auto it = disk.Iterate(family);
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    const std::string_view key = View(it->key());
    const std::string_view row = View(it->value());
    if (TimeOf(key) < floor_us || WrittenAt(row) <= over_before_us) continue;
    const size_t before = kGroupBytes + sizeof(uint32_t);
    keys.emplace_back(key.substr(before, key.size() - before - kTimeBytes - kNumberBytes));
    times.push_back(TimeOf(key));
    written.push_back(WrittenAt(row));
    ARROW_RETURN_NOT_OK(reader.Add(row));
    if (keys.size() == kRowsPerPartBatch) ARROW_RETURN_NOT_OK(flush());
  }
  ARROW_RETURN_NOT_OK(disk.db().Check(it->status()));
  ARROW_RETURN_NOT_OK(flush());
  return writer->Finish(out);
}

}  // namespace

void LogFloor::RaiseTo(int64_t time_us) {
  std::lock_guard lock(mutex_);
  floor_us_ = std::max(floor_us_, time_us);
}
int64_t LogFloor::time_us() const {
  std::lock_guard lock(mutex_);
  return floor_us_;
}
void LogFloor::SetOver(int64_t before_us) {
  std::lock_guard lock(mutex_);
  over_before_us_ = before_us;
}
int64_t LogFloor::over_before_us() const {
  std::lock_guard lock(mutex_);
  return over_before_us_;
}
int64_t LogFloor::Hold() {
  std::lock_guard lock(mutex_);
  held_.insert(floor_us_);
  return floor_us_;
}
void LogFloor::Release(int64_t held_us) {
  std::lock_guard lock(mutex_);
  held_.erase(held_.find(held_us));
}
int64_t LogFloor::lowest_us() const {
  std::lock_guard lock(mutex_);
  return held_.empty() ? floor_us_ : std::min(floor_us_, *held_.begin());
}

Result<std::unique_ptr<StoredLog>> RocksLog::Make(const StateSpec& spec, KeyGroupRange range,
                                                  int max_parallelism,
                                                  std::shared_ptr<RocksDb> db) {
  std::vector<int> key_columns;
  for (int i = 0; i < spec.key.size(); ++i) key_columns.push_back(i);
  ARROW_ASSIGN_OR_RAISE(auto encoder,
                        KeyEncoder::Make(spec.key, std::move(key_columns), spec.group_keys));
  std::unique_ptr<RocksLog> log(
      new RocksLog(spec, std::move(encoder), range, max_parallelism, std::move(db)));
  const auto dead = [floor = log->floor_] {
    return [before = floor->lowest_us(), over = floor->over_before_us()](std::string_view key,
                                                                         std::string_view row) {
      return TimeOf(key) < before || WrittenAt(row) <= over;
    };
  };
  ARROW_ASSIGN_OR_RAISE(log->family_, log->db_->AddFamily(spec.name, dead));
  return log;
}

RocksLog::RocksLog(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range,
                   int max_parallelism, std::shared_ptr<RocksDb> db)
    : spec_(spec),
      encoder_(std::move(encoder)),
      range_(range),
      max_parallelism_(max_parallelism),
      db_(std::move(db)),
      schema_(spec.value.ToArrow()),
      fields_(LogFields(spec)),
      floor_(std::make_shared<LogFloor>()),
      versions_(range),
      oldest_us_(static_cast<size_t>(range.size()), TimerSet::kNone) {}

Status RocksLog::Append(const RowKeys& keys, std::span<const EventTime> times,
                        const arrow::RecordBatch& rows) {
  return Put(keys, times, {}, rows.columns());
}

Status RocksLog::Put(const RowKeys& keys, std::span<const EventTime> times,
                     std::span<const int64_t> written_us, const arrow::ArrayVector& values) {
  rocksdb::WriteBatch batch;
  std::string key, row;
  for (size_t i = 0; i < times.size(); ++i) {
    const KeyGroup group = KeyGroupOf(keys.group_hashes[i], max_parallelism_);
    if (!range_.Contains(group)) return ForeignGroup(group, range_).In(spec_.name);
    key.clear();
    AppendKey(group, keys.key(static_cast<int64_t>(i)), &key);
    AppendTime(times[i].us, &key);
    AppendTime(static_cast<int64_t>(number_++), &key);
    row.clear();
    AppendRow(values, static_cast<int64_t>(i), written_us.empty() ? now_us_ : written_us[i], &row);
    ARROW_RETURN_NOT_OK(db_->Check(batch.Put(family_, key, row)));
    versions_.Mark(group);
    int64_t& oldest = oldest_us_[IndexOf(group)];
    oldest = std::min(oldest, times[i].us);
  }
  return db_->Check(db_->db().Write(WithoutLog(), &batch));
}

Status RocksLog::Range(const RowKeys& keys, std::span<const TimeRange> ranges, size_t max_rows,
                       std::vector<int32_t>* probe, std::shared_ptr<arrow::RecordBatch>* rows,
                       uint64_t* resume) {
  ARROW_ASSIGN_OR_RAISE(RowReader reader, RowReader::Make(*schema_));
  probe->clear();
  // The lower half tells a beginning from the first key; where in the log is in `resume_`.
  auto i = static_cast<size_t>(*resume >> 32);
  bool resumed = *resume != 0;
  *resume = 0;
  const int64_t floor_us = floor_->time_us();
  const int64_t over_before_us = floor_->over_before_us();
  const std::unique_ptr<rocksdb::Iterator> it(db_->db().NewIterator({}, family_));
  std::string prefix;
  for (; i < ranges.size() && *resume == 0; ++i) {
    prefix.clear();
    AppendKey(KeyGroupOf(keys.group_hashes[i], max_parallelism_), keys.key(static_cast<int64_t>(i)),
              &prefix);
    std::string from = prefix;
    AppendTime(std::max(ranges[i].from.us, floor_us), &from);
    if (std::exchange(resumed, false)) from = resume_;
    for (it->Seek(from); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      if (TimeOf(View(it->key())) > ranges[i].to.us) break;
      if (WrittenAt(View(it->value())) <= over_before_us) continue;
      if (probe->size() == max_rows) {
        *resume = uint64_t{i} << 32 | 1;
        resume_ = it->key().ToString();
        break;
      }
      ARROW_RETURN_NOT_OK(reader.Add(View(it->value())));
      probe->push_back(static_cast<int32_t>(i));
    }
    ARROW_RETURN_NOT_OK(db_->Check(it->status()));
  }
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector arrays, reader.Finish());
  *rows = arrow::RecordBatch::Make(schema_, static_cast<int64_t>(probe->size()), std::move(arrays));
  return Status::OK();
}

Status RocksLog::TrimBefore(EventTime time) {
  floor_->RaiseTo(time.us);
  for (size_t g = 0; g < oldest_us_.size(); ++g) {
    if (oldest_us_[g] >= time.us) continue;
    oldest_us_[g] = time.us;
    versions_.Mark(KeyGroup{Raw(range_.first) + static_cast<int32_t>(g)});
  }
  return Status::OK();
}

Status RocksLog::BeginCall(int64_t now_us) {
  now_us_ = std::max(now_us_, now_us);
  if (spec_.ttl_us) floor_->SetOver(now_us_ - *spec_.ttl_us);
  return Status::OK();
}

Result<std::shared_ptr<const FrozenState>> RocksLog::Freeze() {
  auto frozen = std::make_shared<FrozenRocksLog>(encoder_, schema_, fields_, versions_.Freeze(),
                                                 floor_, db_, family_);
  for (size_t g = 0; g < oldest_us_.size(); ++g) {
    if (oldest_us_[g] == TimerSet::kNone) continue;
    frozen->with_rows.push_back(KeyGroup{Raw(range_.first) + static_cast<int32_t>(g)});
  }
  return frozen;
}

Status RocksLog::Restore(const PartHeader& expected, std::string_view bytes, ItemShare) {
  return ReadLogPart(expected, encoder_, bytes, [this](const LogRows& rows) {
    return Put(rows.keys, rows.times, rows.written_us, rows.values);
  });
}

}  // namespace millrace
