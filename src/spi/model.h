#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/options.h"
#include "plan/nodes.h"
#include "spi/operator.h"
#include "types/batch.h"
#include "types/schema.h"
#include "types/time.h"

namespace millrace {

class Services;

/// An input or output of a model as its runtime or server declares it.
struct TensorSpec {
  std::string name;            ///< exactly as the model has it
  std::string datatype;        ///< Open Inference Protocol: BOOL, INT32, FP32, BYTES …
  std::vector<int64_t> shape;  ///< without the batch dimension; -1: any
};

struct ModelSignature {
  std::vector<TensorSpec> inputs, outputs;
  bool batched = true;    ///< has a leading batch dimension
  int64_t max_batch = 0;  ///< rows per request; 0: any
  bool local = false;  ///< scores on the caller's thread: there is nothing to gain from waiting for
                       ///< more rows
  /// Takes and gives any columns, in whatever CREATE MODEL declares; it has no tensors.
  bool as_declared = false;
  std::string version;  ///< content hash, or the server's own version
  /// INPUT columns that the provider reads and that are no tensors: of the ids of sequences.
  std::vector<std::string> row_columns;
  /// The model keeps state: rows that agree in `sequence_columns` are scored in order by one
  /// subtask.
  bool in_sequence = false;
  std::vector<std::string> sequence_columns;
};

struct CallOptions {
  int64_t deadline_us = 0;  ///< of `Env::MonotonicMicros`; 0: none
  int subtask = 0;          ///< of the caller
};

struct Prediction {
  /// One row per input row; NULLs, or the default that the model's options name, where `errors` has
  /// the row.
  std::shared_ptr<arrow::RecordBatch> outputs;
  std::vector<RowError> errors;
  bool leave_out_failed = false;  ///< the rows of `errors` leave at the port "failed" only
  std::string version;
  int attempts = 1;  ///< the most that any row took
};

/// A failed result is final for the job; rows that failed are in `Prediction::errors`.
using PredictDone = std::function<void(Result<Prediction>)>;

/// The port "failed" of a node that calls a model (T9): the input's columns, then `model`,
/// `version`, `attempts` and `cause`.
Schema FailedRowsSchema(const Schema& input);

/// The port of a rollout in the shadow (M9): the input's columns, the results of the version that
/// serves and `version`, then those of the new one, their names with "shadow_" before, and
/// `shadow_version` and `shadow_cause`, why it has failed.
constexpr const char* kShadowPort = "shadow";
Schema ShadowRowsSchema(const Schema& input, const PredictConfig& config);

/// A request under way.
class Call {
 public:
  virtual ~Call() = default;
  virtual void Cancel() = 0;  ///< `done` still comes, once
};

/// A version of a model, ready to score. Immutable; thread-safe. Lives as long as a lease holds it.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;
  virtual const ModelSignature& signature() const = 0;
  /// Rows of the model's input schema. `done` comes exactly once, on any thread, maybe before this
  /// returns; then the result may be null. The caller keeps the model until then; dropping the call
  /// does not cancel it.
  virtual std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions& options,
                                             PredictDone done) = 0;
};
using ModelLease = std::shared_ptr<LoadedModel>;

/// A version of a model as a record brings it.
struct ModelRecord {
  std::string type;  ///< names a provider, or is a `ModelDescriptor`'s modeltype
  std::shared_ptr<arrow::Buffer> bytes;    ///< null: they are at `location`
  std::string location;                    ///< a file, a folder, or an http, https or s3 URL
  std::string sha256;                      ///< of the bytes, in hexadecimal; empty: any
  std::map<std::string, std::string> key;  ///< which rows it is for: columns and their values
  int64_t order = 0;                       ///< which version of its key it is
  std::string hash;  ///< of bytes that were accepted before: golden rows are not asked again
};

/// Such a version, loaded.
struct LoadedVersion {
  ModelLease model;
  std::shared_ptr<arrow::Buffer> bytes;  ///< what was loaded, also where it was at a location
  std::string hash;                      ///< of the bytes: "sha256:…"
};

/// A kind of model runtime or server, declared once.
struct ModelProviderSpec {
  std::string name;
  std::vector<std::string> aliases;
  std::string doc;
  std::string example;  ///< SQL
  std::vector<OptionSpec> options;
  /// Reads the model's inputs and outputs as SQL columns: at CREATE MODEL, where INPUT or OUTPUT
  /// are left out or are to be checked. May block; called off the workers.
  Result<ModelSignature> (*describe)(const ModelConfig&, const Options&, Services&) = nullptr;
  /// Loads or connects. May block; called through `Env::Execute`.
  Result<ModelLease> (*load)(const ModelConfig&, const Options&, Services&) = nullptr;
  /// Loads a version that a record brought, from the bytes of its file; the model must score on the
  /// caller's thread. Of the options none need be given, and those of the error policy never are.
  /// May block. Null: versions of this kind cannot be a stream.
  Result<ModelLease> (*load_bytes)(const ModelConfig&, std::string_view bytes, const Options&,
                                   Services&) = nullptr;
};

/// The SQL columns of tensors, by T4: BOOL BOOLEAN; INT8 … INT64 TINYINT … BIGINT; FP32 FLOAT; FP64
/// DOUBLE; BYTES STRING; what SQL has not takes the next wider type (UINT8 SMALLINT … UINT64
/// DECIMAL(20, 0), FP16 and BF16 FLOAT). A shape of rank r is r times ARRAY; [] and [1] are
/// scalars.
Result<Schema> SchemaOf(const std::vector<TensorSpec>& tensors);

/// The declared columns that feed, or are fed by, one tensor.
struct TensorColumns {
  int tensor = 0;
  std::vector<int> columns;  ///< one, unless packed
  bool packed = false;       ///< the columns are the elements of the tensor, in order
};

/// Which of the columns declared as `side`, "INPUT" or "OUTPUT", belong to which tensor:
///   - Several tensors: by name, in any order. Every input must be declared; outputs may be left
///   out.
///   - One tensor: its one column may have any name. An input of shape [N] or [-1] may instead be
///   declared as N (or any
///     number of) scalar columns, which are packed in order.
/// A column fits where no value is lost: an INPUT's type widens to the tensor's (SMALLINT to INT32,
/// FLOAT to FP64), an OUTPUT's tensor to the column's. ARRAY of one fits shape [1]. Errors name the
/// column, what the model expects and the CAST that would fix it.
Result<std::vector<TensorColumns>> BindColumns(std::string_view model, std::string_view side,
                                               const Schema& declared,
                                               const std::vector<TensorSpec>& tensors);
/// `BindColumns`, for its error.
Status CheckColumns(std::string_view model, std::string_view side, const Schema& declared,
                    const std::vector<TensorSpec>& tensors);

/// The INPUT columns that feed tensors: those that are not the signature's `row_columns`.
Schema TensorInputs(const Schema& input, const ModelSignature& signature);

struct VersionSelector {
  enum class Kind { kCurrent, kHash, kAtTime };
  Kind kind = Kind::kCurrent;
  std::string hash;
  EventTime at;
};

/// The models of a process: loads on first use, shares by definition, leases. Thread-safe.
class ModelRuntime {
 public:
  virtual ~ModelRuntime() = default;
  /// Null: still loading, ask `WhenReady`. A failed result: it cannot be loaded.
  virtual Result<ModelLease> TryLease(const ModelConfig& model, const VersionSelector& version) = 0;
  /// Starts the load where none has; `ready` comes once, on any thread.
  virtual void WhenReady(const ModelConfig& model, const VersionSelector& version,
                         std::function<void(Status)> ready) = 0;
  /// Loads a version that a record brought, scores a row of zeros with it, and hands it over; who
  /// has the same bytes shares the model. `done` comes once, on any thread. It is freed with the
  /// last lease.
  virtual void LoadVersion(const ModelConfig& model, const ModelRecord& record,
                           std::function<void(Result<LoadedVersion>)> done) = 0;
};

}  // namespace millrace
