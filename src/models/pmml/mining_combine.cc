#include <algorithm>
#include <array>
#include <limits>

#include "models/pmml/mining.h"

namespace millrace::pmml {

void MiningModel::Accumulate(Frame& frame, Active active) const {
  const int n = frame.rows();
  const bool votes = IsVote();
  const bool by_category = !result.categories.empty();
  std::vector<double*> sums;
  if (by_category) {
    for (const Category& category : result.categories)
      sums.push_back(frame.Write(category.probability));
  } else {
    sums.push_back(frame.Write(result.value));
  }
  for (double* sum : sums) std::fill_n(sum, n, 0.0);
  Scratch total(frame), missing(frame);
  std::fill_n(total.get(), n, 0.0);
  std::fill_n(missing.get(), n, 0.0);
  std::array<uint8_t, kBlockRows> mask;
  std::vector<int> first_votes(votes ? (sums.size() + 1) * kBlockRows : 0,
                               std::numeric_limits<int>::max());
  const auto vote = [&](size_t category, int row, size_t segment) {
    int& first = first_votes[category * kBlockRows + static_cast<size_t>(row)];
    first = std::min(first, static_cast<int>(segment));
  };
  for (size_t s = 0; s < segments_.size(); ++s) {
    const Segment& segment = segments_[s];
    const uint8_t* rows = ActiveOf(segment, frame, active, mask);
    segment.model->Run(frame, rows);
    const double weight = IsWeighted() ? segment.weight : 1;
    const ModelResult& own = segment.model->result();
    const double* value = frame.Read(own.value);
    if (!by_category && rows == nullptr && missing_ != MissingPrediction::kSkipSegment) {
      AddAll(value, weight, n, sums[0]);
      for (int i = 0; i < n; ++i) total[i] += weight;
      continue;
    }
    for (int i = 0; i < n; ++i) {
      if (rows != nullptr && rows[i] == 0) continue;
      if (IsMissing(value[i])) {
        missing[i] += weight;
        if (votes) vote(sums.size(), i, s);
        continue;
      }
      total[i] += weight;
      if (votes) {
        const auto category = static_cast<size_t>(std::max(IndexOf(value[i]), 0));
        sums[category][i] += weight;
        vote(category, i, s);
      } else if (!by_category) {
        AddAll(value + i, weight, 1, sums[0] + i);
      } else {
        for (size_t k = 0; k < own.categories.size(); ++k) {
          sums[static_cast<size_t>(segment.categories[k])][i] +=
              weight * frame.Read(own.categories[k].probability)[i];
        }
      }
    }
  }
  if (votes)
    ChooseVoted(frame, sums, first_votes, total.get(), missing.get());
  else
    Settle(frame, sums, total.get(), missing.get());
}

void MiningModel::ChooseVoted(Frame& frame, const std::vector<double*>& sums,
                              const std::vector<int>& first_votes, const double* total,
                              const double* missing) const {
  double* value = frame.Write(result.value);
  const size_t none = sums.size();
  for (int i = 0; i < frame.rows(); ++i) {
    const auto first = [&](size_t k) {
      return first_votes[k * kBlockRows + static_cast<size_t>(i)];
    };
    size_t best = none;
    double most = missing_ == MissingPrediction::kContinue ? missing[i] : 0;
    for (size_t k = 0; k < sums.size(); ++k) {
      if (sums[k][i] > most || (sums[k][i] == most && first(k) < first(best))) {
        best = k;
        most = sums[k][i];
      }
    }
    if (IsLost(missing[i], total[i] + missing[i])) best = none;
    value[i] = best == none ? kMissing : result.categories[best].value;
    for (double* sum : sums) sum[i] = best == none ? kMissing : sum[i] / total[i];
  }
}

void MiningModel::AddAll(const double* value, double weight, int n, double* sum) const {
  if (single_) {
    for (int i = 0; i < n; ++i)
      sum[i] =
          static_cast<float>(sum[i]) + static_cast<float>(weight) * static_cast<float>(value[i]);
  } else {
    for (int i = 0; i < n; ++i) sum[i] += weight * value[i];
  }
}

void MiningModel::Settle(Frame& frame, const std::vector<double*>& sums, const double* total,
                         const double* missing) const {
  const int n = frame.rows();
  const bool divides = method_ != Method::kSum && method_ != Method::kWeightedSum;
  for (int i = 0; i < n; ++i) {
    const bool lost = missing[i] == 0 ? total[i] == 0 : IsLost(missing[i], total[i] + missing[i]);
    // Of nothing there is a sum, but no average.
    const bool none = lost && (divides || missing_ != MissingPrediction::kSkipSegment ||
                               missing[i] < total[i] + missing[i] || missing[i] == 0);
    for (double* sum : sums) {
      if (none)
        sum[i] = kMissing;
      else if (divides)
        sum[i] =
            single_ ? static_cast<double>(static_cast<float>(sum[i]) / static_cast<float>(total[i]))
                    : sum[i] / total[i];
    }
  }
  if (!result.categories.empty()) ChooseGreatest(frame);
}

bool MiningModel::IsLost(double missing, double all) const {
  if (missing == 0) return all == 0;
  if (missing_ == MissingPrediction::kSkipSegment)
    return missing == all || missing / all > missing_threshold_;
  return missing_ == MissingPrediction::kReturnMissing || !IsVote();
}

void MiningModel::Collect(Frame& frame, Active active) const {
  const int n = frame.rows();
  std::vector<std::array<uint8_t, kBlockRows>> masks(segments_.size());
  std::vector<const uint8_t*> rows;
  for (size_t s = 0; s < segments_.size(); ++s) {
    rows.push_back(ActiveOf(segments_[s], frame, active, masks[s]));
    segments_[s].model->Run(frame, rows.back());
  }
  std::vector<double*> outs;
  for (const Category& category : result.categories)
    outs.push_back(frame.Write(category.probability));
  double* out = frame.Write(result.value);
  std::vector<size_t> usable;
  for (int i = 0; i < n; ++i) {
    usable.clear();
    double missing = 0, all = 0;
    for (size_t s = 0; s < segments_.size(); ++s) {
      if (rows[s] != nullptr && rows[s][i] == 0) continue;
      all += segments_[s].weight;
      if (IsMissing(frame.Read(segments_[s].model->result().value)[i]))
        missing += segments_[s].weight;
      else
        usable.push_back(s);
    }
    const bool lost = usable.empty() || IsLost(missing, all);
    if (outs.empty()) {
      out[i] = lost ? kMissing : Combine(usable, [&](size_t s) {
        return frame.Read(segments_[s].model->result().value)[i];
      });
    } else if (method_ == Method::kMax) {
      FillGreatest(frame, usable, lost, i, outs);
    } else {
      FillMedians(frame, usable, lost, i, outs);
    }
  }
  if (!outs.empty()) ChooseGreatest(frame);
}

double MiningModel::ProbabilityOf(const Frame& frame, size_t s, size_t category, int row) const {
  const Segment& segment = segments_[s];
  for (size_t k = 0; k < segment.categories.size(); ++k) {
    if (segment.categories[k] == static_cast<int>(category))
      return std::max(0.0, frame.Read(segment.model->result().categories[k].probability)[row]);
  }
  return 0;
}

template <class Value>
double MiningModel::Combine(const std::vector<size_t>& usable, Value value) const {
  std::vector<std::pair<double, double>> values;
  for (const size_t s : usable)
    values.emplace_back(value(s), method_ == Method::kWeightedMedian ? segments_[s].weight : 1);
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  if (method_ == Method::kMax) return values.back().first;
  if (method_ == Method::kMedian)
    return n % 2 == 1 ? values[n / 2].first : (values[n / 2 - 1].first + values[n / 2].first) / 2;
  double total = 0, sum = 0;
  for (const auto& [x, weight] : values) total += weight;
  for (const auto& [x, weight] : values) {
    if ((sum += weight) >= total / 2) return x;
  }
  return values.back().first;
}

void MiningModel::FillMedians(const Frame& frame, const std::vector<size_t>& usable, bool lost,
                              int row, const std::vector<double*>& outs) const {
  for (double* out : outs) out[row] = kMissing;
  if (lost) return;
  using Share = std::pair<double, size_t>;
  std::vector<Share> chosen;
  double most = -1;
  const size_t middle = usable.size() / 2;
  for (size_t k = 0; k < outs.size(); ++k) {
    std::vector<Share> shares;
    for (const size_t s : usable) shares.emplace_back(ProbabilityOf(frame, s, k, row), s);
    std::sort(shares.begin(), shares.end());
    const bool odd = usable.size() % 2 == 1;
    const double median =
        odd ? shares[middle].first : (shares[middle - 1].first + shares[middle].first) / 2;
    if (median <= most) continue;
    most = median;
    chosen = {shares[middle]};
    if (!odd) chosen.push_back(shares[middle - 1]);
  }
  for (size_t k = 0; k < outs.size(); ++k) {
    double sum = 0;
    for (const auto& [share, s] : chosen) sum += ProbabilityOf(frame, s, k, row);
    outs[k][row] = sum / static_cast<double>(chosen.size());
  }
}

void MiningModel::FillGreatest(const Frame& frame, const std::vector<size_t>& usable, bool lost,
                               int row, const std::vector<double*>& outs) const {
  double most = -1;
  std::vector<size_t> best;
  for (const size_t s : usable) {
    double own = -1;
    for (size_t k = 0; k < outs.size(); ++k) own = std::max(own, ProbabilityOf(frame, s, k, row));
    if (own > most) best.clear();
    if (own >= most) best.push_back(s);
    most = std::max(most, own);
  }
  for (size_t k = 0; k < outs.size(); ++k) {
    double sum = lost ? kMissing : 0;
    for (const size_t s : best) sum += ProbabilityOf(frame, s, k, row);
    outs[k][row] = sum / static_cast<double>(best.size());
  }
}

}  // namespace millrace::pmml
