// Which of its versions serves a key: swaps, rollouts, and what the state knows of them.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "operators/model_versions.h"
#include "operators/state_cells.h"
#include "spi/model_history.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// Columns of the state behind the key.
enum ServingColumn { kServing, kHeld, kRollout };

}  // namespace

ModelVersions::Choice ModelVersions::OnArrival(const ModelKey& key) const {
  Choice choice;
  if (!key.serving) {
    choice.wait = std::any_of(key.versions.begin(), key.versions.end(),
                              [](const auto& each) { return each.second.loading(); });
    return choice;
  }
  const ModelVersion& serving = key.versions.at(*key.serving);
  if (serving.loading()) return {nullptr, true};  // again, after a restore
  choice.version = &serving;
  if (key.rollout) {
    choice.candidate = &key.versions.at(key.rollout->candidate);
    choice.wait = choice.candidate->loading();
  }
  return choice;
}

ModelVersions::Choice ModelVersions::AtTime(const ModelKey& key, int64_t time_us) const {
  time_us = std::max(time_us, forgotten_.us);  // what served a late row is gone
  std::vector<const ModelVersion*> known;
  for (const auto& [order, version] : key.versions) {
    if (version.effective_us <= time_us && version.refused.empty()) known.push_back(&version);
  }
  if (known.empty()) return {};
  std::stable_sort(known.begin(), known.end(),
                   [](const auto* a, const auto* b) { return a->effective_us < b->effective_us; });
  if (!rolls_out()) {
    if (known.back()->loading()) return {nullptr, true};
    return {known.back(), false};
  }
  // Whether one that is loading will be refused decides how long the one before it is tried.
  if (std::any_of(known.begin(), known.end(), [](const auto* each) { return each->loading(); })) {
    return {nullptr, true};
  }
  const int64_t duration_us = config_->stream->rollout.duration_us;
  const ModelVersion* serving = known.front();
  for (size_t i = 1; i < known.size(); ++i) {
    const int64_t until_us = i + 1 < known.size() ? known[i + 1]->effective_us : time_us;
    const bool proven = duration_us >= 0 && until_us - known[i]->effective_us >= duration_us;
    if (proven) serving = known[i];
  }
  return {serving, false, known.back() == serving ? nullptr : known.back()};
}

Status ModelVersions::TakePlaces(ModelKey& key) {
  if (!rolls_out()) {
    for (auto version = key.versions.rbegin(); version != key.versions.rend(); ++version) {
      const int64_t order = version->first;
      if (order <= key.held || (key.serving && order <= *key.serving)) break;
      if (version->second.model) return Serve(key, order);
    }
    return Status::OK();
  }
  std::vector<int64_t> newer;
  for (const auto& [order, version] : key.versions) {
    if (order <= key.held || (key.serving && order <= *key.serving)) continue;
    if (key.rollout && order <= key.rollout->candidate) continue;
    if (version.loading()) break;  // the order of places is that of the versions, not of the loads
    if (version.model) newer.push_back(order);
  }
  for (const int64_t order : newer) {
    ARROW_RETURN_NOT_OK(key.serving ? TryCandidate(key, order) : Serve(key, order));
  }
  return Status::OK();
}

Status ModelVersions::Serve(ModelKey& key, int64_t order) {
  key.serving = order;
  key.rollout.reset();
  key.stored = false;
  context_->metrics().counter("model_swaps")->Add();
  Log(LogLevel::kInfo, "models", "a version serves",
      {{"model", config_->model.name}, {"order", std::to_string(order)}});
  ARROW_RETURN_NOT_OK(Note(key, key.versions.at(order), kVersionServes));
  return ForgetOlder(key, order);
}

Status ModelVersions::TryCandidate(ModelKey& key, int64_t order) {
  if (key.rollout) ARROW_RETURN_NOT_OK(Forget(key, key.rollout->candidate));
  key.rollout.emplace();
  key.rollout->candidate = order;
  key.rollout->since_us = context_->env().NowMicros();
  key.stored = false;
  Log(LogLevel::kInfo, "models", "the rollout of a version begins",
      {{"model", config_->model.name}, {"order", std::to_string(order)}});
  return Note(key, key.versions.at(order), kVersionTried);
}

Status ModelVersions::JudgeRollout(ModelKey& key) {
  if (!key.rollout) return Status::OK();
  Verdict verdict = Judge(config_->stream->rollout, *key.rollout, context_->env().NowMicros());
  if (verdict.kind == Verdict::Kind::kPromote) return Serve(key, key.rollout->candidate);
  if (verdict.kind == Verdict::Kind::kRollBack) return RollBack(key, std::move(verdict.reason));
  return Status::OK();
}

Status ModelVersions::RollBack(ModelKey& key, std::string reason) {
  ModelVersion& version = key.versions.at(key.rollout->candidate);
  key.rollout.reset();
  key.stored = false;
  version.refused = std::move(reason);
  version.model = nullptr;
  context_->metrics().counter("model_rollbacks")->Add();
  Log(LogLevel::kWarn, "models", "a version is rolled back",
      {{"model", config_->model.name},
       {"order", std::to_string(version.order)},
       {"reason", version.refused}});
  ARROW_RETURN_NOT_OK(DropBytes(key, version));
  ARROW_RETURN_NOT_OK(Store(key, version));
  ARROW_RETURN_NOT_OK(Note(key, version, kVersionRolledBack));
  return refused_(key, version);
}

Status ModelVersions::ServeByHand(int64_t order) {
  int keys = 0;
  for (auto& [bytes, key] : keys_) {
    const auto version = key->versions.find(order);
    if (!key->serving || version == key->versions.end() || !version->second.model) continue;
    ++keys;
    key->held = key->versions.rbegin()->first;
    key->rollout.reset();
    key->stored = false;
    ARROW_RETURN_NOT_OK(Note(*key, version->second, kVersionByHand));
    if (*key->serving != order) ARROW_RETURN_NOT_OK(Serve(*key, order));
  }
  if (keys == 0) {
    Log(LogLevel::kWarn, "models", "no key has the version that is to serve",
        {{"model", config_->model.name}, {"order", std::to_string(order)}});
  }
  return Status::OK();
}

Status ModelVersions::RestoreServing() {
  const int width = static_cast<int>(config_->stream->record_keys.size());
  return serving_.ForEach([&](const arrow::RecordBatch& rows, std::span<const int64_t>) -> Status {
    const auto number = [&](int column, int64_t row) {
      return static_cast<const arrow::Int64Array&>(*rows.column(width + column)).Value(row);
    };
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      ARROW_RETURN_NOT_OK(serving_.keys().Encode(*rows.Slice(row, 1), &encoded_));
      ModelKey& key = KeyOf(encoded_.key(0));
      key.serving = number(kServing, row);
      if (!key.versions.contains(*key.serving)) {
        return Error::Internal("the version that serves is not in the state");
      }
      key.held = number(kHeld, row);
      const auto rollout = TextAt<arrow::StringArray>(*rows.column(width + kRollout), row);
      if (rollout.empty()) continue;
      ARROW_ASSIGN_OR_RAISE(key.rollout, RolloutOf(rollout));
    }
    return Status::OK();
  });
}

Status ModelVersions::StoreServing() {
  for (auto& [bytes, key] : keys_) {
    if (key->stored) continue;
    key->stored = true;
    arrow::ArrayVector columns = key->columns->columns();
    for (const int64_t number : {*key->serving, key->held}) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), OneNumber(number));
    }
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(),
                          OneText(key->rollout ? millrace::TextOf(*key->rollout) : ""));
    constexpr int64_t kOnly = 0;
    const auto row = BehindKey(*key->columns, std::move(columns));
    ARROW_RETURN_NOT_OK(serving_.Put(*row, std::span(&kOnly, 1)));
  }
  return Status::OK();
}

}  // namespace millrace
