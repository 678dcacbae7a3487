#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "operators/numbered_rows.h"
#include "operators/rollout.h"
#include "plan/nodes.h"
#include "spi/model.h"
#include "spi/operator.h"

namespace millrace {

class ModelHistory;

/// A version of the model of one key.
struct ModelVersion {
  int64_t order = 0;             ///< the record's version, else its time, else its place among them
  int64_t effective_us = 0;      ///< event-time: from when on it serves
  ModelRecord record;            ///< without bytes once they are in the state
  std::string hash;              ///< of the bytes; empty until they have been read
  ModelLease model;              ///< null until it is loaded
  std::string refused;           ///< why it never will serve; empty: it may
  std::optional<int64_t> filed;  ///< the number of its bytes in the state

  bool loading() const { return !model && refused.empty(); }
};

/// The models of one key.
struct ModelKey {
  std::string bytes;                            ///< of `KeyEncoder`
  std::shared_ptr<arrow::RecordBatch> columns;  ///< the key, one row; null until a record has come
  std::map<int64_t, ModelVersion> versions;     ///< by order

  // Swapped on arrival.
  std::optional<int64_t> serving;                      ///< the order of the version that serves
  int64_t held = std::numeric_limits<int64_t>::min();  ///< those up to it were passed over by hand
  std::optional<Rollout> rollout;
  bool stored = true;      ///< that, in the state
  int64_t next_event = 1;  ///< of its history
};

/// The versions that the records of a model's source bring, per key, with their bytes in the state.
///
/// Of two versions the one of higher order is newer: the column `version` tells, else, where
/// versions are swapped by event time, the record's time, else the order of arrival. A record of a
/// known order is a duplicate, and swapped on arrival, one older than what serves comes too late:
/// both change nothing. Versions older than what serves are forgotten, but for `keep_versions`, so
/// that the models of a key are few.
///
/// What becomes of versions is told to the process's `ModelHistory`, and the latest 100 events of
/// each key are in the state.
///
/// With a rollout the first version of a key serves at once, and each newer one is a candidate
/// until `Judge`, or the time, lets it serve or refuses it; only the newest candidate stays.
class ModelVersions {
 public:
  /// What serves a row.
  struct Choice {
    const ModelVersion* version = nullptr;
    bool wait = false;  ///< for a load or the models' watermark; else there is none
    const ModelVersion* candidate = nullptr;  ///< of a rollout
  };
  /// Told of each version that will never serve.
  using OnRefused = std::function<Status(const ModelKey&, const ModelVersion&)>;

  /// `records` is the source's schema.
  static Result<ModelVersions> Make(const PredictConfig& config, const Schema& records);

  /// Of versions, bytes, what serves and the history, as the first states of the operator.
  std::vector<StateSpec> States() const;
  /// Starts to load what the state has. A completion's tag then is what `Loaded` takes.
  Status Open(OperatorContext& context, OnRefused refused);

  ModelKey& KeyOf(std::string_view bytes);
  Status Add(const Batch& records);
  /// A load that failed by what may pass (a disk, a network) is tried again, after an alarm.
  Status Loaded(uint64_t tag, Result<LoadedVersion> loaded);
  void LoadAgain(ProcTime now);
  /// Nothing behind `watermark` comes, except late.
  void Advance(EventTime watermark) { watermark_ = std::max(watermark_, watermark); }
  EventTime watermark() const { return watermark_; }
  int64_t loading() const { return static_cast<int64_t>(loads_.size()); }

  Choice OnArrival(const ModelKey& key) const;
  /// For a row of that time, which is not behind `watermark()`.
  Choice AtTime(const ModelKey& key, int64_t time_us) const;
  /// Swapped on arrival: looks whether the rollout of the key ends, which counts as it does now.
  Status JudgeRollout(ModelKey& key);
  Status RollBack(ModelKey& key, std::string reason);
  /// Lets the version of that order serve, for all keys that have it, until a newer record comes;
  /// ends their rollouts.
  Status ServeByHand(int64_t order);
  /// Event-time: no row of that time or before it comes any more.
  Status ForgetBefore(EventTime time);
  /// Puts the bytes into the state that have not been read yet.
  Status PrepareSnapshot();
  /// Puts what serves, and the rollouts, into the state.
  Status StoreServing();

 private:
  struct Loading {
    ModelKey* key = nullptr;
    int64_t order = 0;
    int attempts = 1;
    int64_t again_us = -1;  ///< when it is tried again; -1: it is under way
  };

  ModelVersions(const PredictConfig& config, KeyEncoder record_keys, NumberedRows versions,
                NumberedRows bytes, NumberedRows serving, NumberedRows history)
      : config_(&config),
        record_keys_(std::move(record_keys)),
        versions_(std::move(versions)),
        bytes_(std::move(bytes)),
        serving_(std::move(serving)),
        history_(std::move(history)) {}

  Result<ModelVersion> Read(const arrow::RecordBatch& rows, int64_t row, const ModelKey& key);
  void Start(ModelKey& key, const ModelVersion& version);
  void Load(uint64_t tag, const ModelKey& key, const ModelVersion& version);
  Status Store(const ModelKey& key, const ModelVersion& version);
  Status FileBytes(const ModelKey& key, ModelVersion& version,
                   const std::shared_ptr<arrow::Buffer>& bytes);
  Status DropBytes(const ModelKey& key, ModelVersion& version);
  Status Forget(ModelKey& key, int64_t order);
  Status ForgetOlder(ModelKey& key, int64_t order);
  bool rolls_out() const { return config_->stream->rollout.kind != RolloutKind::kNone; }
  Status RestoreServing();
  Status RestoreHistory();
  Status Note(ModelKey& key, const ModelVersion& version, std::string_view event);
  /// Lets the versions that are loaded take their places.
  Status TakePlaces(ModelKey& key);
  Status Serve(ModelKey& key, int64_t order);
  Status TryCandidate(ModelKey& key, int64_t order);

  const PredictConfig* config_;
  KeyEncoder record_keys_;
  NumberedRows versions_;  ///< the key's columns, then what a `ModelVersion` has
  NumberedRows bytes_;     ///< numbered by `NumberOf` a hash, or by the order of what has none
  NumberedRows serving_;   ///< per key what a `ModelKey` has
  NumberedRows history_;   ///< per key what `ModelEvent`s have, in their order
  OperatorContext* context_ = nullptr;
  OnRefused refused_;
  EventTime watermark_, forgotten_;
  ModelHistory* told_history_ = nullptr;  ///< of the process; null: nobody is told
  RowKeys encoded_;
  /// By their bytes; rows bring keys, too.
  std::unordered_map<std::string, std::unique_ptr<ModelKey>> keys_;
  std::map<uint64_t, Loading> loads_;
  uint64_t next_load_ = 1;
};

/// Values of a TIMESTAMP column in microseconds; BIGINT as it is.
Result<std::vector<int64_t>> MicrosOf(const arrow::Array& times);

}  // namespace millrace
