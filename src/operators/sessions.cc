#include "operators/sessions.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "operators/row_index.h"
#include "operators/window_assigner.h"

namespace millrace {
namespace {

/// Value column: start, end and name of each session, 8 bytes each; then empty ones, up to a power
/// of two, for a value is replaced in place where it keeps its length.
constexpr int kSpans = 0;

}  // namespace

Sessions::Sessions(StateSpec spec, RowGroups groups, KeyedWindows slots, const WindowSpec& window,
                   WindowClock clock)
    : spec_(std::move(spec)),
      groups_(std::move(groups)),
      slots_(std::move(slots)),
      time_column_(window.time_column),
      gap_us_(window.size_us),
      clock_(std::move(clock)) {}

Result<Sessions> Sessions::Make(const Schema& input, const WindowSpec& window,
                                const std::vector<int>& keys, WindowClock clock) {
  StateSpec spec;
  spec.name = "sessions";
  for (const int key : keys) spec.key.Add(input.column(key).name, input.column(key).type);
  spec.group_keys = spec.key.size();
  spec.value.Add("sessions", SqlType::Bytes());
  ARROW_ASSIGN_OR_RAISE(auto groups, RowGroups::Make(input, keys));
  ARROW_ASSIGN_OR_RAISE(auto slots, KeyedWindows::Make(spec));
  return Sessions(std::move(spec), std::move(groups), std::move(slots), window, std::move(clock));
}

void Sessions::Open(OperatorContext& context, int state) {
  context_ = &context;
  state_ = state;
  table_ = &context.table(state);
  slots_.Open(*table_);
}

Status Sessions::Assign(const arrow::RecordBatch& rows, EventTime watermark, SessionRows* out) {
  out->rows.clear();
  out->sessions.clear();
  out->groups.clear();
  out->merges.clear();
  out->late.clear();
  out->errors.clear();
  const auto n = static_cast<size_t>(rows.num_rows());
  ARROW_RETURN_NOT_OK(groups_.Find(rows));
  ARROW_ASSIGN_OR_RAISE(const auto keys, groups_.Keys(rows));
  ARROW_RETURN_NOT_OK(slots_.FindOrInsert(keys, groups_.size()));
  ARROW_RETURN_NOT_OK(Load(slots_.slots()));

  const arrow::TimestampArray* times = nullptr;
  if (time_column_ >= 0) {
    times = &static_cast<const arrow::TimestampArray&>(*rows.column(time_column_));
  }
  const bool nulls = times != nullptr && times->null_count() > 0;
  const int64_t now = clock_.ToLocal(context_->env().NowMicros());
  out->rows.reserve(n);
  out->sessions.reserve(n);
  out->groups.reserve(n);
  next_group_ = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto row = static_cast<int32_t>(i);
    if (nulls && times->IsNull(row)) {
      out->errors.push_back(WithoutTime(row));
      continue;
    }
    const int64_t time = times == nullptr ? now : clock_.ToLocal(times->Value(row));
    if (Extend(groups_.places()[i], time, row, out)) continue;
    if (!Add(groups_.places()[i], time, row, watermark, out)) out->late.push_back(row);
  }
  if (!out->merges.empty()) FollowMerges(groups_.places(), out);
  out->each_once = out->rows.size() == n;
  // Keys whose rows were all late or without time.
  for (size_t key = 0; key < changed_.size(); ++key) changed_[key] |= open_[key].empty();
  return Store(slots_.slots());
}

bool Sessions::Extend(size_t key, int64_t time, int32_t row, SessionRows* out) {
  OpenSessions& open = open_[key];
  if (open.size() != 1 || time < open[0].start || time > open[0].end) return false;
  changed_[key] |= time + gap_us_ > open[0].end;
  open[0].end = std::max(open[0].end, time + gap_us_);
  Put(open[0], row, out);
  return true;
}

void Sessions::Put(Session& session, int32_t row, SessionRows* out) {
  if (session.group == kNoGroup) session.group = next_group_++;
  out->rows.push_back(row);
  out->sessions.push_back(session.name);
  out->groups.push_back(session.group);
}

bool Sessions::Add(size_t key, int64_t time, int32_t row, EventTime watermark, SessionRows* out) {
  OpenSessions& open = open_[key];
  const int64_t end = time + gap_us_;
  size_t met = open.size();  // the session that the row is in
  for (size_t s = 0; s < open.size();) {
    if (open[s].start > end || open[s].end < time) {
      ++s;
    } else if (met == open.size()) {
      met = s++;
    } else {
      // The earlier one goes on.
      if (open[s].start < open[met].start) std::swap(open[s], open[met]);
      changed_[key] = 1;
      out->merges.push_back({row, key, open[s].name, open[met].name});
      open[met].end = std::max(open[met].end, open[s].end);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(s));
    }
  }
  if (met == open.size()) {
    if (clock_.IsClosed(end, watermark)) return false;
    open.push_back({{time, end, time}});
  }
  Session& session = open[met];
  changed_[key] |= session.end < end || session.start > time || session.name == time;
  session.start = std::min(session.start, time);
  session.end = std::max(session.end, end);
  Put(session, row, out);
  return true;
}

void Sessions::FollowMerges(std::span<const uint32_t> keys, SessionRows* out) {
  auto& merges = out->merges;
  for (size_t m = merges.size(); m-- > 0;) {
    for (size_t later = m + 1; later < merges.size(); ++later) {
      const bool goes_on =
          merges[later].key == merges[m].key && merges[later].from == merges[m].into;
      if (goes_on) merges[m].into = merges[later].into;
    }
  }
  for (size_t i = 0; i < out->rows.size(); ++i) {
    const size_t key = keys[static_cast<size_t>(out->rows[i])];
    for (const auto& merge : merges) {
      if (merge.key == key && merge.from == out->sessions[i]) out->sessions[i] = merge.into;
    }
  }
}

Status Sessions::Load(std::span<const Slot> slots) {
  if (open_.size() < slots.size()) open_.resize(slots.size());
  changed_.assign(slots.size(), 0);
  ARROW_ASSIGN_OR_RAISE(const auto stored, table_->Get(kSpans, slots));
  const auto& spans = static_cast<const arrow::BinaryArray&>(*stored);
  for (size_t key = 0; key < slots.size(); ++key) {
    const std::string_view bytes = spans.GetView(static_cast<int64_t>(key));  // empty: NULL
    open_[key].clear();
    for (size_t at = 0; at < bytes.size(); at += sizeof(Span)) {
      Session session;
      std::memcpy(static_cast<Span*>(&session), bytes.data() + at, sizeof(Span));
      if (session.end < session.start) break;
      open_[key].push_back(session);
    }
  }
  return Status::OK();
}

Status Sessions::Store(std::span<const Slot> slots) {
  std::vector<Slot> stored, empty;
  std::vector<int64_t> ends;
  std::vector<Span> spans;
  std::vector<int32_t> offsets = {0};
  for (size_t key = 0; key < slots.size(); ++key) {
    if (!changed_[key]) continue;
    const OpenSessions& open = open_[key];
    if (open.empty()) {
      empty.push_back(slots[key]);
      continue;
    }
    stored.push_back(slots[key]);
    ends.push_back(FirstEnd(open));
    spans.insert(spans.end(), open.begin(), open.end());
    spans.resize(spans.size() + std::bit_ceil(open.size()) - open.size(), kEmpty);
    offsets.push_back(static_cast<int32_t>(spans.size() * sizeof(Span)));
  }
  const arrow::BinaryArray values(static_cast<int64_t>(stored.size()),
                                  arrow::Buffer::FromVector(std::move(offsets)),
                                  arrow::Buffer::FromVector(std::move(spans)));
  ARROW_RETURN_NOT_OK(table_->Set(kSpans, stored, values));
  ARROW_RETURN_NOT_OK(clock_.Set(context_->timers(), state_, stored, ends));
  return table_->Erase(empty);
}

int64_t Sessions::FirstEnd(const OpenSessions& open) {
  int64_t first = open[0].end;
  for (const Session& session : open) first = std::min(first, session.end);
  return first;
}

Result<EndedSessions> Sessions::TakeEnded(const TimerBatch& timers) {
  EndedSessions ended;
  ARROW_ASSIGN_OR_RAISE(const auto keys, table_->Keys(timers.slots));
  ARROW_RETURN_NOT_OK(Load(timers.slots));
  std::vector<int32_t> rows;
  for (size_t key = 0; key < timers.slots.size(); ++key) {
    changed_[key] = 1;
    OpenSessions& open = open_[key];
    const int64_t first = FirstEnd(open);  // its timer it was
    for (const Session& session : open) {
      if (session.end > first) continue;
      ended.sessions.push_back(session.name);
      ended.starts.push_back(session.start);
      ended.ends.push_back(session.end);
      rows.push_back(static_cast<int32_t>(key));
    }
    std::erase_if(open, [&](const Session& session) { return session.end <= first; });
  }
  ARROW_ASSIGN_OR_RAISE(ended.keys, TakeRows(keys->columns(), rows));
  ARROW_RETURN_NOT_OK(clock_.Fired(context_->timers(), timers));
  ARROW_RETURN_NOT_OK(Store(timers.slots));
  return ended;
}

}  // namespace millrace
