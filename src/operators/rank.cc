#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "operators/final_rank.h"
#include "operators/make.h"
#include "operators/numbered_rows.h"
#include "operators/ranked_rows.h"
#include "operators/row_hashes.h"
#include "operators/sort_keys.h"

namespace millrace {
namespace {

using RowSet = std::set<RankedRow>;

struct Group {
  RowSet rows;
  int64_t next = 0;        ///< number of the next row to arrive
  int touched = -1;        ///< among the groups that this batch changes
  bool looked_at = false;  ///< among those whose rows may be over
};
using GroupEntry = RankGroups<Group>::Map::value_type;

/// What a batch does to a group.
struct Touched {
  GroupEntry* entry = nullptr;
  int64_t first_new = 0;          ///< number of its first row in the batch
  std::vector<int32_t> new_rows;  ///< of the batch, by number from `first_new`; -1: gone again
  std::vector<int64_t> gone;      ///< rows of the state
  std::vector<int64_t> before;    ///< numbers of the rows in the Top-N
  std::vector<int64_t> after;
  std::vector<int64_t> fetched;  ///< rows of the state that the output needs, ascending
  size_t first_fetched = 0;      ///< among those of all groups

  /// Starts anew, with the memory it has.
  void Begin(GroupEntry* group) {
    entry = group;
    first_new = group->second.next;
    first_fetched = 0;
    for (auto* list : {&gone, &before, &after, &fetched}) list->clear();
    new_rows.clear();
  }
  bool IsNew(int64_t number) const { return number >= first_new; }
  int32_t& new_row(int64_t number) { return new_rows[static_cast<size_t>(number - first_new)]; }
};

/// What is settled when the operator is made.
struct RankPlan {
  NumberedRows rows;
  SortEncoder sort;
  std::optional<RowHashes> hashes;  ///< of a changelog, to find the row that leaves
  int64_t from = 1, to = 1;
  bool numbered = false;
  bool by_rank = false;  ///< a key and rank tell one row: its place is taken by an update
  bool upsert = false;
  std::shared_ptr<arrow::Schema> output;
};

/// Top-N as a changelog: per batch how the Top-N of each key that it touched has changed. Of an
/// append-only input only the rows down to `to` are kept, of a changelog all of them.
class Rank final : public Operator {
 public:
  explicit Rank(RankPlan plan) : plan_(std::move(plan)) {}

  std::vector<StateSpec> States() const override { return {plan_.rows.spec()}; }

  Status Open(OperatorContext& context) override {
    plan_.rows.Open(context.table(0));
    return plan_.rows.ForEach(
        [this](const arrow::RecordBatch& rows, std::span<const int64_t> numbers) -> Status {
          ARROW_RETURN_NOT_OK(Encode(rows));
          for (size_t i = 0; i < numbers.size(); ++i) {
            GroupEntry& entry = groups_.FindOrInsert(keys_.key(static_cast<int64_t>(i)));
            Insert(entry.second, i, numbers[i]);
            entry.second.next = std::max(entry.second.next, numbers[i] + 1);
          }
          return Status::OK();
        });
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(Encode(*batch.rows));
    touched_count_ = 0;
    if (plan_.rows.spec().ttl_us) ARROW_RETURN_NOT_OK(ForgetRowsThatAreOver(batch.num_rows()));
    for (int64_t i = 0; i < batch.num_rows(); ++i) {
      if (batch.kinds && IsRetraction(static_cast<RowKind>(batch.kinds->Value(i)))) {
        Retract(static_cast<size_t>(i));
      } else {
        Add(static_cast<size_t>(i));
      }
    }
    if (touched_count_ == 0) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(Batch changes, Changes(*batch.rows));
    ARROW_RETURN_NOT_OK(Store(*batch.rows));
    changes.ingest_us = batch.ingest_us;
    if (!changes.empty()) out.Emit(0, std::move(changes));
    return Status::OK();
  }

 private:
  static bool IsRetraction(RowKind kind) {
    return kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
  }

  Status Encode(const arrow::RecordBatch& rows) {
    ARROW_RETURN_NOT_OK(plan_.rows.keys().Encode(rows, &keys_));
    plan_.sort.Encode(rows, &sort_);
    return plan_.hashes ? plan_.hashes->Of(rows, &hashes_) : Status::OK();
  }

  void Insert(Group& group, size_t row, int64_t number) {
    const uint64_t hash = plan_.hashes ? hashes_[row] : 0;
    const auto at = group.rows.insert({std::string(sort_.key(row)), number, hash}).first;
    if (plan_.hashes) by_hash_.emplace(hash, std::pair(&group, at));
  }

  /// Those that the state has not any more, of the batch's groups, and of some others so that
  /// groups of which nothing comes do not stay for ever.
  Status ForgetRowsThatAreOver(int64_t batch_rows) {
    std::vector<GroupEntry*> entries;
    const auto look_at = [&](GroupEntry& entry) {
      if (!std::exchange(entry.second.looked_at, true)) entries.push_back(&entry);
    };
    for (int64_t i = 0; i < batch_rows; ++i) {
      if (GroupEntry* entry = groups_.Find(keys_.key(i)); entry != nullptr) look_at(*entry);
    }
    groups_.VisitSome(look_at);
    key_list_.clear();
    number_list_.clear();
    for (const GroupEntry* entry : entries) {
      for (const RankedRow& row : entry->second.rows) number_list_.push_back(row.number);
      key_list_.resize(number_list_.size(), entry->first);
    }
    if (number_list_.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto there, plan_.rows.AreThere(key_list_, number_list_));
    size_t at = 0;
    for (GroupEntry* entry : entries) {
      Group& group = entry->second;
      group.looked_at = false;
      for (auto row = group.rows.begin(); row != group.rows.end();) {
        row = there[at++] != 0 ? std::next(row) : Forget(group, row);
      }
      if (group.rows.empty()) groups_.Erase(entry->first);
    }
    return Status::OK();
  }

  RowSet::const_iterator Forget(Group& group, RowSet::const_iterator row) {
    if (plan_.hashes) {
      auto [at, end] = by_hash_.equal_range(row->hash);
      while (at != end && (at->second.first != &group || at->second.second != row)) ++at;
      if (at != end) by_hash_.erase(at);
    }
    return group.rows.erase(row);
  }

  Touched& Touch(GroupEntry& entry) {
    Group& group = entry.second;
    if (group.touched < 0) {
      group.touched = static_cast<int>(touched_count_);
      if (touched_count_ == touch_pool_.size()) touch_pool_.emplace_back();
      Touched& touched = touch_pool_[touched_count_++];
      touched.Begin(&entry);
      ListTop(group, &touched.before);
    }
    return touch_pool_[static_cast<size_t>(group.touched)];
  }

  std::span<Touched> TouchedGroups() { return {touch_pool_.data(), touched_count_}; }

  void ListTop(const Group& group, std::vector<int64_t>* numbers) const {
    int64_t rank = 0;
    for (const RankedRow& row : group.rows) {
      if (++rank > plan_.to) break;
      if (rank >= plan_.from) numbers->push_back(row.number);
    }
  }

  void Add(size_t row) {
    GroupEntry& entry = groups_.FindOrInsert(keys_.key(static_cast<int64_t>(row)));
    Group& group = entry.second;
    const bool full = !plan_.hashes && static_cast<int64_t>(group.rows.size()) >= plan_.to;
    if (full && sort_.key(row) >= group.rows.rbegin()->sort) return;
    Touched& touched = Touch(entry);
    Insert(group, row, group.next++);
    touched.new_rows.push_back(static_cast<int32_t>(row));
    if (full) Remove(group, touched, std::prev(group.rows.end()));
  }

  /// A row that never came cannot go. Of equal ones the first goes.
  void Retract(size_t row) {
    GroupEntry* entry = groups_.Find(keys_.key(static_cast<int64_t>(row)));
    if (entry == nullptr) return;
    auto [at, end] = by_hash_.equal_range(hashes_[row]);
    auto found = end;
    for (; at != end; ++at) {
      const auto& [group, ranked] = at->second;
      if (group != &entry->second || ranked->sort != sort_.key(row)) continue;
      if (found == end || ranked->number < found->second.second->number) found = at;
    }
    if (found == end) return;
    const auto ranked = found->second.second;
    by_hash_.erase(found);
    Remove(entry->second, Touch(*entry), ranked);
  }

  static void Remove(Group& group, Touched& touched, RowSet::const_iterator row) {
    if (touched.IsNew(row->number)) {
      touched.new_row(row->number) = -1;
    } else {
      touched.gone.push_back(row->number);
    }
    group.rows.erase(row);
  }

  /// A row of the output.
  struct Change {
    RowKind kind;
    Touched* touched;
    int64_t number;
    int64_t rank;
  };

  // Rows that leave come before all that enter: a row that moves to another key then ends as there.
  Result<Batch> Changes(const arrow::RecordBatch& rows) {
    changes_.clear();
    for (Touched& touched : TouchedGroups()) {
      ListTop(touched.entry->second, &touched.after);
      if (!plan_.by_rank) AddMissing(RowKind::kDelete, touched, touched.before, touched.after);
      for (size_t i = touched.after.size(); plan_.by_rank && i < touched.before.size(); ++i) {
        changes_.push_back({RowKind::kDelete, &touched, touched.before[i], RankOf(i)});
      }
    }
    for (Touched& touched : TouchedGroups()) {
      if (plan_.by_rank) {
        CompareRanks(touched);
      } else {
        AddMissing(RowKind::kInsert, touched, touched.after, touched.before);
      }
    }
    return Output(rows);
  }

  int64_t RankOf(size_t place) const { return plan_.from + static_cast<int64_t>(place); }

  void CompareRanks(Touched& touched) {
    for (size_t i = 0; i < touched.after.size(); ++i) {
      const bool was = i < touched.before.size();
      if (was && touched.before[i] == touched.after[i]) continue;
      if (was && !plan_.upsert) {
        changes_.push_back({RowKind::kUpdateBefore, &touched, touched.before[i], RankOf(i)});
      }
      const RowKind kind = was ? RowKind::kUpdateAfter : RowKind::kInsert;
      changes_.push_back({kind, &touched, touched.after[i], RankOf(i)});
    }
  }

  void AddMissing(RowKind kind, Touched& touched, const std::vector<int64_t>& numbers,
                  const std::vector<int64_t>& others) {
    sorted_ = others;
    std::sort(sorted_.begin(), sorted_.end());
    for (const int64_t number : numbers) {
      if (std::binary_search(sorted_.begin(), sorted_.end(), number)) continue;
      changes_.push_back({kind, &touched, number, 0});
    }
  }

  Result<Batch> Output(const arrow::RecordBatch& rows) {
    ARROW_ASSIGN_OR_RAISE(const auto fetched, Fetch());
    arrow::Int32Builder index;  // of the batch's rows, then those of the state
    arrow::Int64Builder ranks;
    arrow::Int8Builder kinds;
    for (const Change& change : changes_) {
      Touched& touched = *change.touched;
      int64_t at = 0;
      if (touched.IsNew(change.number)) {
        at = touched.new_row(change.number);
      } else {
        const auto place =
            std::lower_bound(touched.fetched.begin(), touched.fetched.end(), change.number);
        at = rows.num_rows() + static_cast<int64_t>(touched.first_fetched) +
             (place - touched.fetched.begin());
      }
      ARROW_RETURN_NOT_OK(index.Append(static_cast<int32_t>(at)));
      ARROW_RETURN_NOT_OK(ranks.Append(change.rank));
      ARROW_RETURN_NOT_OK(kinds.Append(static_cast<int8_t>(change.kind)));
    }
    ARROW_ASSIGN_OR_RAISE(const auto index_array, index.Finish());
    arrow::ArrayVector columns;
    for (int c = 0; c < rows.num_columns(); ++c) {
      auto column = rows.column(c);
      if (fetched) {
        ARROW_ASSIGN_OR_RAISE(column, arrow::Concatenate({column, fetched->column(c)}));
      }
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::compute::Take(*column, *index_array));
    }
    if (plan_.numbered) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), ranks.Finish());
    }
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(plan_.output, index_array->length(), std::move(columns));
    ARROW_RETURN_NOT_OK(kinds.Finish(&batch.kinds));
    return batch;
  }

  /// The rows of the state that the changes speak of; null: none.
  Result<std::shared_ptr<arrow::RecordBatch>> Fetch() {
    for (const Change& change : changes_) {
      Touched& touched = *change.touched;
      if (!touched.IsNew(change.number)) touched.fetched.push_back(change.number);
    }
    key_list_.clear();
    number_list_.clear();
    for (Touched& touched : TouchedGroups()) {
      auto& numbers = touched.fetched;
      std::sort(numbers.begin(), numbers.end());
      numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
      touched.first_fetched = number_list_.size();
      number_list_.insert(number_list_.end(), numbers.begin(), numbers.end());
      key_list_.resize(number_list_.size(), touched.entry->first);
    }
    if (key_list_.empty()) return nullptr;
    return plan_.rows.Get(key_list_, number_list_);
  }

  Status Store(const arrow::RecordBatch& rows) {
    key_list_.clear();
    number_list_.clear();
    for (const Touched& touched : TouchedGroups()) {
      number_list_.insert(number_list_.end(), touched.gone.begin(), touched.gone.end());
      key_list_.resize(number_list_.size(), touched.entry->first);
    }
    if (!key_list_.empty()) ARROW_RETURN_NOT_OK(plan_.rows.Erase(key_list_, number_list_));
    number_list_.clear();
    arrow::Int32Builder index;
    for (const Touched& touched : TouchedGroups()) {
      for (size_t i = 0; i < touched.new_rows.size(); ++i) {
        if (touched.new_rows[i] < 0) continue;
        ARROW_RETURN_NOT_OK(index.Append(touched.new_rows[i]));
        number_list_.push_back(touched.first_new + static_cast<int64_t>(i));
      }
      Group& group = touched.entry->second;
      group.touched = -1;
      if (group.rows.empty()) groups_.Erase(touched.entry->first);
    }
    if (number_list_.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto index_array, index.Finish());
    arrow::ArrayVector columns;
    for (const auto& column : rows.columns()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::compute::Take(*column, *index_array));
    }
    const auto stored =
        arrow::RecordBatch::Make(rows.schema(), index_array->length(), std::move(columns));
    return plan_.rows.Put(*stored, number_list_);
  }

  RankPlan plan_;
  RankGroups<Group> groups_;  ///< the order of the state's rows
  std::unordered_multimap<uint64_t, std::pair<Group*, RowSet::const_iterator>> by_hash_;
  RowKeys keys_;
  SortKeys sort_;
  std::vector<uint64_t> hashes_;
  std::vector<Touched> touch_pool_;
  size_t touched_count_ = 0;  ///< of the pool, in this batch
  std::vector<Change> changes_;
  std::vector<int64_t> sorted_;
  std::vector<std::string_view> key_list_;
  std::vector<int64_t> number_list_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeRank(const OperatorRequest& request) {
  const auto& config = ConfigOf<RankConfig>(request.node);
  const PortPlan& input = request.inputs[0];
  const PortPlan& port = request.node.ports[0];
  if (input.changelog == ChangelogMode::kUpsert) {
    return Error::Internal("a Top-N was planned over changes without the rows before them")
        .In(request.node.id);
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, NumberedRows::Make(input.schema, config.keys));
  ARROW_ASSIGN_OR_RAISE(auto sort, SortEncoder::Make(input.schema, config.order));
  if (config.final || config.window_end >= 0) {
    return MakeFinalRank(request, std::move(rows), std::move(sort));
  }
  rows.KeepFor(request.state_ttl_us);
  RankPlan plan{std::move(rows), std::move(sort), {}, config.from, config.to};
  if (input.changelog == ChangelogMode::kRetract) {
    ARROW_ASSIGN_OR_RAISE(plan.hashes, RowHashes::Make(input.schema));
  }
  plan.numbered = !config.number_name.empty();
  plan.by_rank = plan.numbered || config.from == config.to;
  plan.upsert = port.changelog == ChangelogMode::kUpsert;
  plan.output = port.schema.ToArrow();
  return std::make_unique<Rank>(std::move(plan));
}

}  // namespace millrace
