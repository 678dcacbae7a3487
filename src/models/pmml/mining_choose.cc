#include <algorithm>
#include <array>

#include "models/pmml/mining.h"

namespace millrace::pmml {

void MiningModel::SelectAll(Frame& frame, Active active) const {
  std::array<uint8_t, kBlockRows> mask;
  for (size_t s = 0; s < segments_.size(); ++s) {
    const uint8_t* rows = ActiveOf(segments_[s], frame, active, mask);
    double* present = frame.Write(result.items[s].present);
    for (int i = 0; i < frame.rows(); ++i) present[i] = rows == nullptr || rows[i] != 0 ? 1 : 0;
    segments_[s].model->Run(frame, rows);
  }
}

const uint8_t* MiningModel::ActiveOf(const Segment& segment, const Frame& frame, Active active,
                                     std::array<uint8_t, kBlockRows>& mask) const {
  if (segment.always) return active;
  std::array<int32_t, kBlockRows> leaves;
  segment.predicate.Evaluate(frame, leaves.data());
  for (int i = 0; i < frame.rows(); ++i) {
    const auto at = static_cast<size_t>(i);
    mask[at] = leaves[at] == 1 && (active == nullptr || active[i] != 0);
  }
  return mask.data();
}

void MiningModel::Choose(Frame& frame, Active active) const {
  const int n = frame.rows();
  std::array<uint8_t, kBlockRows> mask, left;
  std::fill_n(left.begin(), n, uint8_t{1});
  if (merged_) {
    for (const Slot slot : result.Columns()) std::fill_n(frame.Write(slot), n, kMissing);
  }
  for (const Segment& segment : segments_) {
    const uint8_t* rows = ActiveOf(segment, frame, active, mask);
    if (method_ == Method::kSelectFirst) {
      if (rows != mask.data()) {
        if (rows == nullptr)
          std::fill_n(mask.begin(), n, uint8_t{1});
        else
          std::copy_n(rows, n, mask.begin());
      }
      bool any = false;
      for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
        mask[i] &= left[i];
        left[i] &= static_cast<uint8_t>(mask[i] == 0);
        any |= mask[i] != 0;
      }
      if (!any) continue;
      rows = mask.data();
    }
    segment.model->Run(frame, rows);
    if (method_ == Method::kModelChain) ClearOutputs(frame, segment, rows);
    if (merged_) Merge(frame, segment, rows);
  }
}

void MiningModel::ClearOutputs(Frame& frame, const Segment& segment, const uint8_t* rows) {
  if (rows == nullptr) return;
  for (const Field& field : segment.model->outputs()) {
    double* out = frame.Write(field.slot);
    for (int i = 0; i < frame.rows(); ++i) out[i] = rows[i] != 0 ? out[i] : kMissing;
  }
}

void MiningModel::Merge(Frame& frame, const Segment& segment, const uint8_t* rows) const {
  const ModelResult& own = segment.model->result();
  const int n = frame.rows();
  const auto copy = [&](Slot from, Slot to) {
    if (to == kNoSlot) return;
    double* out = frame.Write(to);
    const double* in = from == kNoSlot ? nullptr : frame.Read(from);
    for (int i = 0; i < n; ++i) {
      if (rows == nullptr || rows[i] != 0) out[i] = in == nullptr ? kMissing : in[i];
    }
  };
  copy(own.value, result.value);
  copy(own.confidence, result.confidence);
  copy(own.entity, result.entity);
  copy(own.affinity, result.affinity);
  for (size_t i = 0; i < result.ranked.size(); ++i)
    copy(i < own.ranked.size() ? own.ranked[i] : kNoSlot, result.ranked[i]);
  for (const Category& category : result.categories) copy(kNoSlot, category.probability);
  for (size_t k = 0; k < own.categories.size(); ++k) {
    copy(own.categories[k].probability,
         result.categories[static_cast<size_t>(segment.categories[k])].probability);
  }
}

}  // namespace millrace::pmml
