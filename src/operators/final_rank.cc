#include "operators/final_rank.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/metrics.h"
#include "operators/closing_windows.h"
#include "operators/make.h"
#include "operators/ranked_rows.h"

namespace millrace {
namespace {

constexpr int64_t kAtTheEnd = std::numeric_limits<int64_t>::max();
constexpr size_t kSlice = 1024;

struct Group {
  std::vector<RankedRow> rows;  ///< in no order
  int64_t next = 0;             ///< number of the next row to arrive
  std::string last;  ///< sort key of the last row that may still be in the Top-N; empty: any may
};
using GroupEntry = RankGroups<Group>::Map::value_type;

struct FinalRankPlan {
  NumberedRows rows;
  SortEncoder sort;
  std::optional<ClosingWindows> windows;
  int64_t from = 1, to = 1;
  size_t keep = 0;  ///< so many rows of a group are cut back to `to`
  bool numbered = false;
  int late_port = -1;
  int window_end = -1;
  std::shared_ptr<arrow::Schema> output;
};

/// Collects rows and sorts them once, when nothing can come before them any more. What can no
/// longer be in the Top-N is forgotten from time to time.
class FinalRank final : public Operator {
 public:
  explicit FinalRank(FinalRankPlan plan) : plan_(std::move(plan)) {}

  std::vector<StateSpec> States() const override { return {plan_.rows.spec()}; }

  Status Open(OperatorContext& context) override {
    late_rows_ = context.metrics().counter("late_rows");
    plan_.rows.Open(context.table(0));
    return plan_.rows.ForEach(
        [this](const arrow::RecordBatch& rows, std::span<const int64_t> numbers) -> Status {
          ARROW_RETURN_NOT_OK(plan_.rows.keys().Encode(rows, &keys_));
          plan_.sort.Encode(rows, &sort_);
          std::vector<int64_t> closes;
          if (plan_.windows) closes = plan_.windows->TimesOf(*rows.column(plan_.window_end));
          for (size_t i = 0; i < numbers.size(); ++i) {
            Group& group = GroupOf(i, closes).second;
            group.rows.push_back({std::string(sort_.key(i)), numbers[i]});
            group.next = std::max(group.next, numbers[i] + 1);
          }
          return Status::OK();
        });
  }

  bool Accepts(int) const override { return current_ == nullptr; }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    std::vector<int64_t> closes;
    if (plan_.windows) {
      ARROW_ASSIGN_OR_RAISE(auto split, plan_.windows->TakeLate(&batch, watermark_));
      closes = std::move(split.closes_us);
      if (split.late.rows != nullptr) {
        late_rows_->Add(split.late.num_rows());
        if (plan_.late_port >= 0) out.Emit(plan_.late_port, std::move(split.late));
      }
    }
    ARROW_RETURN_NOT_OK(plan_.rows.keys().Encode(*batch.rows, &keys_));
    plan_.sort.Encode(*batch.rows, &sort_);
    arrow::Int32Builder index;
    numbers_.clear();
    crowded_.clear();
    for (size_t i = 0; i < static_cast<size_t>(batch.num_rows()); ++i) {
      GroupEntry& entry = GroupOf(i, closes);
      Group& group = entry.second;
      if (!group.last.empty() && sort_.key(i) >= group.last) continue;
      ARROW_RETURN_NOT_OK(index.Append(static_cast<int32_t>(i)));
      numbers_.push_back(group.next);
      group.rows.push_back({std::string(sort_.key(i)), group.next++});
      if (group.rows.size() == plan_.keep) crowded_.push_back(&entry);
    }
    if (numbers_.empty()) return Status::OK();
    std::shared_ptr<arrow::Int32Array> rows;
    ARROW_RETURN_NOT_OK(index.Finish(&rows));
    if (rows->length() < batch.num_rows()) {
      ARROW_ASSIGN_OR_RAISE(batch, batch.Take(*rows));
    }
    ARROW_RETURN_NOT_OK(plan_.rows.Put(*batch.rows, numbers_));
    for (GroupEntry* entry : crowded_) ARROW_RETURN_NOT_OK(CutBack(*entry));
    return Status::OK();
  }

  Status ProcessWatermark(int, InputTime time, Collector&) override {
    watermark_ = time.watermark;
    passing_ = time;
    return Status::OK();
  }

  Status Finish(int, Collector&) override {
    watermark_ = EventTime::Max();
    return Status::OK();
  }

  Result<Step> Run(Collector& out) override {
    while (current_ != nullptr || !due_.empty()) {
      if (current_ == nullptr) {
        if (due_.begin()->first > watermark_.us) break;
        ARROW_RETURN_NOT_OK(Begin());
      }
      if (!out.HasRoom()) return Step::kMore;
      ARROW_RETURN_NOT_OK(EmitSlice(out));
    }
    if (passing_) out.Watermark(*std::exchange(passing_, {}));
    return Step::kIdle;
  }

 private:
  GroupEntry& GroupOf(size_t row, const std::vector<int64_t>& closes) {
    GroupEntry& entry = groups_.FindOrInsert(keys_.key(static_cast<int64_t>(row)));
    if (entry.second.rows.empty()) due_[closes.empty() ? kAtTheEnd : closes[row]].push_back(&entry);
    return entry;
  }

  Status CutBack(GroupEntry& entry) {
    std::vector<RankedRow>& rows = entry.second.rows;
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(plan_.to);
    std::nth_element(rows.begin(), end - 1, rows.end());
    entry.second.last = std::prev(end)->sort;
    ARROW_RETURN_NOT_OK(Forget(entry, static_cast<size_t>(plan_.to), rows.size()));
    rows.erase(end, rows.end());
    return Status::OK();
  }

  // The next group that is due, sorted, without what is outside of the Top-N.
  Status Begin() {
    std::vector<GroupEntry*>& groups = due_.begin()->second;
    current_ = groups[next_due_++];
    std::vector<RankedRow>& rows = current_->second.rows;
    std::sort(rows.begin(), rows.end());
    const auto from = std::min(rows.size(), static_cast<size_t>(plan_.from - 1));
    const auto to = std::min(rows.size(), static_cast<size_t>(plan_.to));
    ARROW_RETURN_NOT_OK(Forget(*current_, 0, from));
    ARROW_RETURN_NOT_OK(Forget(*current_, to, rows.size()));
    rows.resize(to);
    position_ = from;
    return Status::OK();
  }

  Status EmitSlice(Collector& out) {
    const std::vector<RankedRow>& rows = current_->second.rows;
    const size_t end = std::min(rows.size(), position_ + kSlice);
    if (position_ < end) {
      ListRows(*current_, position_, end);
      ARROW_ASSIGN_OR_RAISE(const auto found, plan_.rows.Get(key_list_, numbers_));
      arrow::ArrayVector columns = found->columns();
      if (plan_.numbered) {
        arrow::Int64Builder ranks;
        for (size_t i = position_; i < end; ++i) {
          ARROW_RETURN_NOT_OK(ranks.Append(static_cast<int64_t>(i) + 1));
        }
        ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), ranks.Finish());
      }
      Batch batch;
      batch.rows = arrow::RecordBatch::Make(plan_.output, found->num_rows(), std::move(columns));
      out.Emit(0, std::move(batch));
      ARROW_RETURN_NOT_OK(plan_.rows.Erase(key_list_, numbers_));
      position_ = end;
    }
    if (position_ < rows.size()) return Status::OK();
    groups_.Erase(current_->first);
    current_ = nullptr;
    if (next_due_ == due_.begin()->second.size()) {
      due_.erase(due_.begin());
      next_due_ = 0;
    }
    return Status::OK();
  }

  Status Forget(const GroupEntry& entry, size_t from, size_t to) {
    for (; from < to; from += kSlice) {
      ListRows(entry, from, std::min(to, from + kSlice));
      ARROW_RETURN_NOT_OK(plan_.rows.Erase(key_list_, numbers_));
    }
    return Status::OK();
  }

  void ListRows(const GroupEntry& entry, size_t from, size_t to) {
    key_list_.assign(to - from, entry.first);
    numbers_.clear();
    for (; from < to; ++from) numbers_.push_back(entry.second.rows[from].number);
  }

  FinalRankPlan plan_;
  RankGroups<Group> groups_;                         ///< the order of the state's rows
  std::map<int64_t, std::vector<GroupEntry*>> due_;  ///< by the watermark that closes them
  GroupEntry* current_ = nullptr;                    ///< whose rows are leaving
  size_t next_due_ = 0;                              ///< in the first of `due_`
  size_t position_ = 0;                              ///< in the rows of `current_`
  EventTime watermark_;
  std::optional<InputTime> passing_;  ///< leaves behind the rows that it closes
  std::shared_ptr<Counter> late_rows_;
  RowKeys keys_;
  SortKeys sort_;
  std::vector<int64_t> numbers_;
  std::vector<GroupEntry*> crowded_;
  std::vector<std::string_view> key_list_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeFinalRank(const OperatorRequest& request, NumberedRows rows,
                                                SortEncoder sort) {
  const auto& config = ConfigOf<RankConfig>(request.node);
  if (request.inputs[0].changelog != ChangelogMode::kAppend) {
    return Error::Internal("a Top-N whose rows leave once was planned over a changelog")
        .In(request.node.id);
  }
  FinalRankPlan plan{std::move(rows), std::move(sort), {}, config.from, config.to};
  if (config.window_end >= 0) {
    ARROW_ASSIGN_OR_RAISE(plan.windows, ClosingWindows::Make(config.window_end, config.window_local,
                                                             request.time_zone));
  }
  // With twice the rows, cutting back costs less than taking them in.
  constexpr int64_t kFewest = 64;
  if (config.to < kAtTheEnd / 2) {
    plan.keep = static_cast<size_t>(std::max(2 * config.to, kFewest));
  }
  plan.numbered = !config.number_name.empty();
  plan.late_port = PortNamed(request.node, "late");
  plan.window_end = config.window_end;
  plan.output = request.node.ports[0].schema.ToArrow();
  return std::make_unique<FinalRank>(std::move(plan));
}

}  // namespace millrace
