#include "task/exchange_output.h"

#include <numeric>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>

#include "types/key_group.h"

namespace millrace {

Result<std::unique_ptr<ExchangeOutput>> ExchangeOutput::Make(const Exchange& exchange,
                                                             const Schema& schema, int subtask,
                                                             int max_parallelism, StageHost& host) {
  std::unique_ptr<ExchangeOutput> output(new ExchangeOutput(exchange, subtask, host));
  const int channels = host.channels(exchange.id);
  if (exchange.partitioning == Partitioning::kHash && channels > 1) {
    ARROW_ASSIGN_OR_RAISE(output->encoder_, KeyEncoder::Make(schema, exchange.keys));
    output->held_.resize(static_cast<size_t>(channels));
    for (int group = 0; group < max_parallelism; ++group) {
      output->channel_of_group_.push_back(SubtaskOf(KeyGroup{group}, channels, max_parallelism));
    }
  }
  return output;
}

Status ExchangeOutput::Add(Batch batch) {
  if (batch.empty()) return Status::OK();
  const int channels = host_.channels(exchange_.id);
  switch (exchange_.partitioning) {
    case Partitioning::kForward:
      host_.Emit(exchange_.id, 0, std::move(batch));
      return Status::OK();
    case Partitioning::kBroadcast:
      for (int channel = 0; channel < channels; ++channel) host_.Emit(exchange_.id, channel, batch);
      return Status::OK();
    case Partitioning::kRebalance:
      host_.Emit(exchange_.id, turn_++ % channels, std::move(batch));
      return Status::OK();
    case Partitioning::kHash:
      break;
  }
  if (!encoder_) {
    host_.Emit(exchange_.id, 0, std::move(batch));
    return Status::OK();
  }
  return Partition(batch);
}

Status ExchangeOutput::Partition(const Batch& batch) {
  ARROW_RETURN_NOT_OK(encoder_->Encode(*batch.rows, &keys_));
  const auto rows = static_cast<size_t>(batch.num_rows());
  const auto groups = static_cast<int>(channel_of_group_.size());
  std::vector<int64_t> ends(held_.size() + 1, 0);
  row_channels_.resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    const KeyGroup group = KeyGroupOf(keys_.group_hashes[row], groups);
    const int channel = channel_of_group_[static_cast<size_t>(Raw(group))];
    row_channels_[row] = channel;
    ++ends[static_cast<size_t>(channel) + 1];
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());

  // All rows of one channel: nothing to move.
  const auto first = static_cast<size_t>(row_channels_[0]);
  if (ends[first + 1] - ends[first] == static_cast<int64_t>(rows)) {
    return AddSlice(row_channels_[0], batch);
  }

  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(static_cast<int64_t>(rows * sizeof(int32_t))));
  auto* order = reinterpret_cast<int32_t*>(buffer->mutable_data());
  std::vector<int64_t> next(ends.begin(), ends.end() - 1);
  for (size_t row = 0; row < rows; ++row) {
    order[next[static_cast<size_t>(row_channels_[row])]++] = static_cast<int32_t>(row);
  }
  ARROW_ASSIGN_OR_RAISE(const Batch sorted,
                        batch.Take(arrow::Int32Array(static_cast<int64_t>(rows), buffer)));
  for (size_t channel = 0; channel < held_.size(); ++channel) {
    const int64_t length = ends[channel + 1] - ends[channel];
    if (length == 0) continue;
    ARROW_RETURN_NOT_OK(AddSlice(static_cast<int>(channel), sorted.Slice(ends[channel], length)));
  }
  return Status::OK();
}

Status ExchangeOutput::AddSlice(int channel, Batch slice) {
  Held& held = held_[static_cast<size_t>(channel)];
  const int64_t rows = slice.num_rows();
  if (rows >= kTargetRows / 2) {
    ARROW_RETURN_NOT_OK(Send(channel));
    host_.Emit(exchange_.id, channel, std::move(slice));
    return Status::OK();
  }
  held.rows += rows;
  held.slices.push_back(std::move(slice));
  if (held.rows >= kTargetRows) return Send(channel);
  if (due_ == ProcTime::Never()) due_ = ProcTime{host_.env().NowMicros() + kLingerMicros};
  return Status::OK();
}

Status ExchangeOutput::Send(int channel) {
  Held& held = held_[static_cast<size_t>(channel)];
  if (held.slices.empty()) return Status::OK();
  Batch batch = held.slices.front();
  if (held.slices.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(batch, Concatenate(held.slices));
  }
  held.slices.clear();
  held.rows = 0;
  host_.Emit(exchange_.id, channel, std::move(batch));
  return Status::OK();
}

Status ExchangeOutput::Flush() {
  due_ = ProcTime::Never();
  for (size_t channel = 0; channel < held_.size(); ++channel) {
    ARROW_RETURN_NOT_OK(Send(static_cast<int>(channel)));
  }
  return Status::OK();
}

}  // namespace millrace
