// Scoring by versions: groups of rows by version, rollouts, and what becomes of failed rows.
#include <algorithm>
#include <numeric>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "operators/make.h"
#include "operators/predict_stream.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// Those of the rows `indices` (ascending), by their places there.
std::vector<RowError> ErrorsAt(const std::vector<RowError>& errors,
                               const std::vector<int32_t>& indices) {
  std::vector<RowError> out;
  for (const RowError& error : errors) {
    const auto at = std::lower_bound(indices.begin(), indices.end(), error.row);
    if (at == indices.end() || *at != error.row) continue;
    out.push_back(error);
    out.back().row = static_cast<int32_t>(at - indices.begin());
  }
  return out;
}

Status AddRepeated(arrow::ArrayVector& columns, const arrow::Scalar& value, int64_t n) {
  return arrow::MakeArrayFromScalar(value, n).Value(&columns.emplace_back());
}

Status AddVersion(arrow::ArrayVector& columns, const std::string& version, int64_t n) {
  const arrow::StringScalar known(version), none;
  return AddRepeated(columns, version.empty() ? none : known, n);
}

/// What rollouts compare: the outputs that are numbers, of rows that have not failed.
Status AddScores(const Prediction& prediction, VersionTally& tally) {
  std::vector<bool> failed(static_cast<size_t>(prediction.outputs->num_rows()), false);
  for (const RowError& error : prediction.errors) failed[static_cast<size_t>(error.row)] = true;
  size_t score = 0;
  for (const auto& column : prediction.outputs->columns()) {
    if (!arrow::is_numeric(column->type_id()) && !arrow::is_decimal(column->type_id())) continue;
    if (tally.scores.size() <= score) tally.scores.emplace_back();
    ValueSketch& sketch = tally.scores[score++];
    ARROW_ASSIGN_OR_RAISE(const auto cast, arrow::compute::Cast(*column, arrow::float64()));
    const auto& values = static_cast<const arrow::DoubleArray&>(*cast);
    for (int64_t row = 0; row < values.length(); ++row) {
      if (values.IsValid(row) && !failed[static_cast<size_t>(row)]) sketch.Add(values.Value(row));
    }
  }
  return Status::OK();
}

}  // namespace

Status PredictStream::Score(const Batch& rows, const std::vector<Scorers*>& scorers,
                            Collector& out) {
  std::vector<RowError> errors;
  ARROW_ASSIGN_OR_RAISE(
      auto columns,
      arguments_.Evaluate(*rows.rows, EvalContextOf(*context_, time_zone_, rows_time_.watermark),
                          &errors));
  Batch arguments;
  arguments.rows = arrow::RecordBatch::Make(model_schema_, rows.num_rows(), std::move(columns));
  ARROW_ASSIGN_OR_RAISE(const std::vector<bool> tried, Tried(rows, arguments, scorers));
  const int64_t n = rows.num_rows();
  for (int64_t from = 0; from < n;) {
    ModelKey* judged = nullptr;
    const int64_t count = RowsBeforeJudging(scorers, tried, from, &judged);
    if (count == n) {
      ARROW_RETURN_NOT_OK(ScoreSection(rows, arguments, errors, scorers, tried, 0, out));
    } else {
      RowIndices section(static_cast<size_t>(count));
      std::iota(section.begin(), section.end(), static_cast<int32_t>(from));
      ARROW_RETURN_NOT_OK(ScoreSection(
          rows.Slice(from, count), arguments.Slice(from, count), ErrorsAt(errors, section),
          std::span(scorers).subspan(static_cast<size_t>(from), static_cast<size_t>(count)), tried,
          from, out));
    }
    from += count;
    if (judged == nullptr) continue;
    ARROW_RETURN_NOT_OK(versions_.JudgeRollout(*judged));
    for (auto row = static_cast<size_t>(from); row < scorers.size(); ++row) {
      if (scorers[row]->key != judged) continue;
      *scorers[row] = ScorersOf(*judged, versions_.OnArrival(*judged));
    }
  }
  return Status::OK();
}

Result<std::vector<bool>> PredictStream::Tried(const Batch& rows, const Batch& arguments,
                                               const std::vector<Scorers*>& scorers) {
  if (std::none_of(scorers.begin(), scorers.end(),
                   [](const Scorers* each) { return each->candidate.has_value(); })) {
    return std::vector<bool>();
  }
  const Batch& hashed = stream_.rollout.keys.empty() ? arguments : rows;
  ARROW_RETURN_NOT_OK(rollout_keys_->Encode(*hashed.rows, &rollout_hashes_));
  std::vector<bool> tried;
  for (size_t row = 0; row < scorers.size(); ++row) {
    tried.push_back(scorers[row]->candidate &&
                    IsTried(stream_.rollout, rollout_hashes_.hashes[row], salt_));
  }
  return tried;
}

int64_t PredictStream::RowsBeforeJudging(const std::vector<Scorers*>& scorers,
                                         const std::vector<bool>& tried, int64_t from,
                                         ModelKey** judged) const {
  const auto n = static_cast<int64_t>(scorers.size());
  if (!stream_.rollout.counts() || tried.empty()) return n - from;
  std::map<ModelKey*, int64_t> left;
  for (int64_t row = from; row < n; ++row) {
    const Scorers& who = *scorers[static_cast<size_t>(row)];
    if (!tried[static_cast<size_t>(row)] || !who.candidate || !who.key->rollout) continue;
    const auto [rows, first] = left.try_emplace(who.key, 0);
    if (first) rows->second = RowsUntilJudged(stream_.rollout, *who.key->rollout);
    if (--rows->second != 0) continue;
    *judged = who.key;
    return row + 1 - from;
  }
  return n - from;
}

Status PredictStream::ScoreSection(const Batch& rows, const Batch& arguments,
                                   const std::vector<RowError>& argument_errors,
                                   std::span<Scorers* const> scorers,
                                   const std::vector<bool>& tried, int64_t from, Collector& out) {
  struct Group {
    Scorers* scorers;
    bool candidate;
    RowIndices rows, shadowed;  ///< the latter are places among the former
  };
  std::vector<Group> groups;
  for (size_t row = 0; row < scorers.size(); ++row) {
    Scorers* const who = scorers[row];
    const bool both = !tried.empty() && tried[static_cast<size_t>(from) + row] && who->candidate;
    const bool candidate = both && stream_.rollout.kind == RolloutKind::kCanary;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& each) {
      return each.scorers == who && each.candidate == candidate;
    });
    if (group == groups.end()) group = groups.insert(group, {who, candidate, {}, {}});
    if (both && !candidate) group->shadowed.push_back(static_cast<int32_t>(group->rows.size()));
    group->rows.push_back(static_cast<int32_t>(row));
  }
  std::vector<Batch> parts;
  std::vector<bool> left_out;
  for (const Group& group : groups) {
    const bool whole = groups.size() == 1;
    Batch part = rows, part_arguments = arguments;
    if (!whole) {
      ARROW_ASSIGN_OR_RAISE(part, Take(rows, group.rows));
      ARROW_ASSIGN_OR_RAISE(part_arguments, Take(arguments, group.rows));
    }
    const std::vector<RowError> part_errors =
        whole ? argument_errors : ErrorsAt(argument_errors, group.rows);
    ARROW_ASSIGN_OR_RAISE(
        Scored scored, ScoreBy(*group.scorers, group.candidate, part, part_arguments, part_errors));
    if (!group.shadowed.empty()) {
      ARROW_RETURN_NOT_OK(EmitShadow(*group.scorers, group.shadowed, part, part_arguments,
                                     part_errors, scored, out));
    }
    parts.push_back(std::move(scored.rows));
    left_out.insert(left_out.end(), scored.left_out.begin(), scored.left_out.end());
  }
  Batch all = parts[0];
  if (parts.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(all, Concatenate(parts));
  }
  const bool complete = std::find(left_out.begin(), left_out.end(), true) == left_out.end();
  if (parts.size() > 1 || !complete) {
    RowIndices place(scorers.size());
    int32_t next = 0;
    for (const Group& group : groups) {
      for (const int32_t row : group.rows) place[static_cast<size_t>(row)] = next++;
    }
    std::erase_if(place, [&](int32_t row) { return left_out[static_cast<size_t>(row)]; });
    ARROW_ASSIGN_OR_RAISE(all, Take(all, place));
  }
  all.ingest_us = rows.ingest_us;
  if (!all.empty()) out.Emit(0, std::move(all));
  return Status::OK();
}

Result<PredictStream::Scored> PredictStream::ScoreBy(Scorers& scorers, bool candidate,
                                                     const Batch& rows, const Batch& arguments,
                                                     const std::vector<RowError>& argument_errors) {
  Result<Prediction> predicted = Predict(scorers, candidate, arguments, argument_errors);
  if (!predicted.ok() && candidate) {
    ARROW_RETURN_NOT_OK(RollBack(scorers, predicted.status()));
    return ScoreBy(scorers, false, rows, arguments, argument_errors);
  }
  ARROW_ASSIGN_OR_RAISE(const Prediction prediction, std::move(predicted));
  const Scorer& scorer = candidate ? *scorers.candidate : scorers.serving;
  const int64_t n = rows.num_rows();
  Scored scored;
  scored.left_out.resize(static_cast<size_t>(n), false);
  for (const RowError& error : prediction.errors) {
    scored.left_out[static_cast<size_t>(error.row)] = prediction.leave_out_failed;
  }
  if (!prediction.errors.empty()) ARROW_RETURN_NOT_OK(SendFailed(scorer, rows, prediction));
  scored.outputs = prediction.outputs->columns();
  arrow::ArrayVector columns = rows.rows->columns();
  columns.insert(columns.end(), scored.outputs.begin(), scored.outputs.end());
  if (!config_.version_name.empty()) {
    ARROW_RETURN_NOT_OK(AddVersion(columns, scorer.version, n));
  }
  scored.rows = rows;
  scored.rows.rows = arrow::RecordBatch::Make(output_schema_, n, std::move(columns));
  return scored;
}

Result<Prediction> PredictStream::Predict(const Scorers& scorers, bool candidate,
                                          const Batch& arguments,
                                          const std::vector<RowError>& argument_errors) {
  const Scorer& scorer = candidate ? *scorers.candidate : scorers.serving;
  if (!scorer.model->signature().local) {
    return Error::Internal("a version's model scores on another thread");
  }
  const auto result = std::make_shared<std::optional<Result<Prediction>>>();
  const int64_t start_us = context_->env().MonotonicMicros();
  (void)scorer.model->PredictAsync(
      arguments, {}, [result](Result<Prediction> scored) { *result = std::move(scored); });
  ARROW_ASSIGN_OR_RAISE(Prediction prediction, std::move(**result));
  // The model saw a NULL; the cause is what made it one, and no fault of the version.
  for (const RowError& error : argument_errors) {
    std::erase_if(prediction.errors, [&](const RowError& each) { return each.row == error.row; });
  }
  if (stream_.rollout.counts() && scorers.candidate && scorers.key->rollout) {
    Rollout& rollout = *scorers.key->rollout;
    VersionTally& tally = candidate ? rollout.tried : rollout.serving;
    tally.rows += arguments.num_rows();
    tally.failed += static_cast<int64_t>(prediction.errors.size());
    tally.scoring_us += context_->env().MonotonicMicros() - start_us;
    if (stream_.rollout.max_shift >= 0) ARROW_RETURN_NOT_OK(AddScores(prediction, tally));
    scorers.key->stored = false;
  }
  prediction.errors.insert(prediction.errors.end(), argument_errors.begin(), argument_errors.end());
  return prediction;
}

Status PredictStream::SendFailed(const Scorer& scorer, const Batch& rows,
                                 const Prediction& prediction) {
  const int64_t n = rows.num_rows();
  arrow::ArrayVector failed = rows.rows->columns();
  ARROW_RETURN_NOT_OK(AddRepeated(failed, arrow::StringScalar(config_.model.name), n));
  ARROW_RETURN_NOT_OK(AddRepeated(failed, arrow::StringScalar(scorer.version), n));
  ARROW_RETURN_NOT_OK(AddRepeated(failed, arrow::Int32Scalar(prediction.attempts), n));
  const auto fields = failed_schema_->fields();
  Batch batch = rows;
  batch.rows = arrow::RecordBatch::Make(
      arrow::schema(arrow::FieldVector(fields.begin(), fields.end() - 1)), n, std::move(failed));
  context_->Dead(batch, prediction.errors);  // adds the last column, the cause
  return Status::OK();
}

Status PredictStream::EmitShadow(Scorers& scorers, const RowIndices& shadowed, const Batch& rows,
                                 const Batch& arguments,
                                 const std::vector<RowError>& argument_errors, const Scored& served,
                                 Collector& out) {
  ARROW_ASSIGN_OR_RAISE(const Batch part_arguments, Take(arguments, shadowed));
  Result<Prediction> predicted =
      Predict(scorers, true, part_arguments, ErrorsAt(argument_errors, shadowed));
  if (!predicted.ok()) return RollBack(scorers, predicted.status());
  if (shadow_port_ < 0) return Status::OK();
  const int64_t n = part_arguments.num_rows();
  Batch pairs = rows;
  arrow::ArrayVector columns = rows.rows->columns();
  columns.insert(columns.end(), served.outputs.begin(), served.outputs.end());
  ARROW_RETURN_NOT_OK(AddVersion(columns, scorers.serving.version, rows.num_rows()));
  const auto& fields = shadow_schema_->fields();
  const auto width = static_cast<std::ptrdiff_t>(columns.size());
  pairs.rows = arrow::RecordBatch::Make(
      arrow::schema(arrow::FieldVector(fields.begin(), fields.begin() + width)), rows.num_rows(),
      std::move(columns));
  ARROW_ASSIGN_OR_RAISE(pairs, Take(pairs, shadowed));
  columns = pairs.rows->columns();
  const auto outputs = predicted->outputs->columns();
  columns.insert(columns.end(), outputs.begin(), outputs.end());
  ARROW_RETURN_NOT_OK(AddVersion(columns, scorers.candidate->version, n));
  std::vector<const std::string*> causes(static_cast<size_t>(n), nullptr);
  for (const RowError& error : predicted->errors) {
    causes[static_cast<size_t>(error.row)] = &error.text;
  }
  arrow::StringBuilder cause;
  for (const std::string* text : causes) {
    ARROW_RETURN_NOT_OK(text == nullptr ? cause.AppendNull() : cause.Append(*text));
  }
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), cause.Finish());
  pairs.rows = arrow::RecordBatch::Make(shadow_schema_, n, std::move(columns));
  out.Emit(shadow_port_, std::move(pairs));
  return Status::OK();
}

Status PredictStream::RollBack(Scorers& scorers, const Status& failure) {
  scorers.candidate.reset();
  if (!scorers.key->rollout) return Status::OK();
  return versions_.RollBack(*scorers.key, "rolled back: its call has failed: " + failure.message());
}

}  // namespace millrace
