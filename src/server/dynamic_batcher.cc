#include "server/dynamic_batcher.h"

#include <algorithm>
#include <chrono>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>

namespace millrace {
namespace {

/// What requests must have in common to be rows of one batch.
std::string FormOf(const std::vector<Tensor>& inputs, const std::vector<int>& outputs) {
  std::string form;
  for (const Tensor& input : inputs) {
    form += std::to_string(static_cast<int>(input.datatype)) +
            ShapeText({input.shape.begin() + 1, input.shape.end()});
  }
  for (const int output : outputs) form += ' ' + std::to_string(output);
  return form;
}

Result<Tensor> Joined(const std::vector<const Tensor*>& parts, int64_t rows) {
  Tensor joined = *parts[0];
  joined.shape[0] = rows;
  if (joined.datatype == Datatype::kBytes) {
    arrow::ArrayVector arrays;
    for (const Tensor* part : parts) arrays.push_back(part->bytes);
    ARROW_ASSIGN_OR_RAISE(const auto all, arrow::Concatenate(arrays));
    joined.bytes = std::static_pointer_cast<arrow::BinaryArray>(all);
    return joined;
  }
  arrow::BufferVector buffers;
  for (const Tensor* part : parts) buffers.push_back(part->data);
  ARROW_ASSIGN_OR_RAISE(joined.data, arrow::ConcatenateBuffers(buffers));
  return joined;
}

Tensor Part(const Tensor& joined, int64_t first, int64_t rows) {
  Tensor part = joined;
  const int64_t row_elements = joined.num_elements() / joined.shape[0];
  part.shape[0] = rows;
  if (joined.datatype == Datatype::kBytes) {
    part.bytes = std::static_pointer_cast<arrow::BinaryArray>(
        joined.bytes->Slice(first * row_elements, rows * row_elements));
    return part;
  }
  const int64_t row_bytes = row_elements * SizeOf(joined.datatype);
  part.data = arrow::SliceBuffer(joined.data, first * row_bytes, rows * row_bytes);
  return part;
}

}  // namespace

bool DynamicBatcher::IsFull(int64_t rows) const {
  const auto& preferred = options_.preferred_rows;
  return rows >= options_.max_rows ||
         std::find(preferred.begin(), preferred.end(), rows) != preferred.end();
}

void DynamicBatcher::Close(const std::string& form, Group& group) {
  const auto at = open_.find(form);
  if (at != open_.end() && at->second.get() == &group) open_.erase(at);
  group.full = true;
}

DynamicBatcher::Outcome DynamicBatcher::Run(TensorModel& model, std::vector<Tensor> inputs,
                                            const std::vector<int>& outputs, int64_t rows, Env& env,
                                            ServingStatistics& statistics) {
  const std::string form = FormOf(inputs, outputs);
  auto request = std::make_unique<Request>();
  Request& own = *request;
  own.inputs = std::move(inputs);
  own.rows = rows;
  own.arrived_us = env.MonotonicMicros();

  std::unique_lock lock(mutex_);
  std::shared_ptr<Group> group;
  if (const auto at = open_.find(form); at != open_.end()) group = at->second;
  if (group && group->rows + rows > options_.max_rows) {
    Close(form, *group);
    group = nullptr;
    changed_.notify_all();
  }
  const bool first = group == nullptr;
  if (first) group = open_[form] = std::make_shared<Group>();
  group->requests.push_back(std::move(request));
  group->rows += rows;
  if (IsFull(group->rows)) {
    Close(form, *group);
    changed_.notify_all();
  }
  if (!first) {
    changed_.wait(lock, [&] { return group->done; });
    return std::move(own.outcome);
  }
  changed_.wait_for(lock, std::chrono::microseconds(options_.max_delay_us),
                    [&] { return group->full; });
  changed_.wait(lock, [&] { return !busy_; });
  Close(form, *group);
  busy_ = true;
  lock.unlock();
  Execute(model, outputs, *group, env, statistics);
  lock.lock();
  busy_ = false;
  group->done = true;
  changed_.notify_all();
  return std::move(own.outcome);
}

void DynamicBatcher::Execute(TensorModel& model, const std::vector<int>& outputs, Group& group,
                             Env& env, ServingStatistics& statistics) {
  auto& requests = group.requests;
  const int64_t began_us = env.MonotonicMicros();
  for (const auto& request : requests) request->outcome.queue_us = began_us - request->arrived_us;
  const auto run = [&](std::span<const Tensor> inputs, int64_t rows) {
    const int64_t start_us = env.MonotonicMicros();
    auto answer = model.Run(inputs, outputs);
    if (answer.ok()) statistics.Executed(rows, env.MonotonicMicros() - start_us);
    return answer;
  };
  const auto run_joined = [&]() -> Status {
    std::vector<Tensor> inputs;
    for (size_t i = 0; i < requests[0]->inputs.size(); ++i) {
      std::vector<const Tensor*> parts;
      for (const auto& request : requests) parts.push_back(&request->inputs[i]);
      ARROW_ASSIGN_OR_RAISE(inputs.emplace_back(), Joined(parts, group.rows));
    }
    ARROW_ASSIGN_OR_RAISE(const auto answer, run(inputs, group.rows));
    for (const Tensor& output : answer) {
      if (output.shape.empty() || output.shape[0] != group.rows)
        return Error::Data("the output '" + output.name + "' does not have the batch's rows");
    }
    int64_t at = 0;
    for (const auto& request : requests) {
      std::vector<Tensor> own;
      for (const Tensor& output : answer) own.push_back(Part(output, at, request->rows));
      request->outcome.outputs = std::move(own);
      at += request->rows;
    }
    return Status::OK();
  };
  if (requests.size() > 1 && run_joined().ok()) return;
  for (const auto& request : requests)
    request->outcome.outputs = run(request->inputs, request->rows);
}

}  // namespace millrace
