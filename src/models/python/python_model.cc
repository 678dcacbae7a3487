#include "models/python/python_model.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "models/digest.h"
#include "models/isolated_scoring.h"
#include "models/model_file.h"
#include "models/python/worker_process.h"

namespace millrace {
namespace {

Result<std::string> ToStream(const std::shared_ptr<arrow::Schema>& schema,
                             const arrow::RecordBatch* batch) {
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(out, schema));
  if (batch != nullptr) ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  ARROW_ASSIGN_OR_RAISE(const auto buffer, out->Finish());
  return buffer->ToString();
}

/// Processes that answer one request at a time each; further requests queue.
class PythonModel final : public LoadedModel, public std::enable_shared_from_this<PythonModel> {
 public:
  PythonModel(const ModelConfig& config, const PythonOptions& options, Env& env)
      : env_(env),
        input_(config.input.ToArrow()),
        output_(config.output.ToArrow()),
        processes_(options.processes) {
    command_.interpreter = options.interpreter;
    command_.path = options.path;
    command_.function = options.function;
    command_.timeout_us = options.timeout_us;
    signature_.as_declared = true;
  }

  Status Load() {
    ARROW_ASSIGN_OR_RAISE(
        const std::string bytes,
        ReadModelFile(env_.files(), command_.path, "'path' is a Python file on this machine"));
    signature_.version = Sha256(bytes);
    ARROW_ASSIGN_OR_RAISE(command_.output_schema, ToStream(output_, nullptr));
    ARROW_ASSIGN_OR_RAISE(auto process, PythonProcess::Start(env_, command_));
    idle_.push_back(std::move(process));
    return Status::OK();
  }

  const ModelSignature& signature() const override { return signature_; }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions&,
                                     PredictDone done) override {
    auto cancelled = std::make_shared<std::atomic<bool>>(false);
    {
      std::lock_guard lock(mutex_);
      requests_.push_back({rows, cancelled, std::move(done)});
      if (running_ == processes_) return std::make_unique<PythonCall>(std::move(cancelled));
      ++running_;
    }
    env_.Execute([self = shared_from_this()] { self->Work(); });
    return std::make_unique<PythonCall>(std::move(cancelled));
  }

 private:
  struct Request {
    Batch rows;
    std::shared_ptr<std::atomic<bool>> cancelled;
    PredictDone done;
  };

  class PythonCall final : public Call {
   public:
    explicit PythonCall(std::shared_ptr<std::atomic<bool>> cancelled)
        : cancelled_(std::move(cancelled)) {}
    void Cancel() override { cancelled_->store(true); }

   private:
    const std::shared_ptr<std::atomic<bool>> cancelled_;
  };

  void Work() {
    while (true) {
      Request request;
      std::unique_ptr<PythonProcess> process;
      {
        std::lock_guard lock(mutex_);
        if (requests_.empty()) {
          --running_;
          return;
        }
        request = std::move(requests_.front());
        requests_.pop_front();
        if (!idle_.empty()) {
          process = std::move(idle_.back());
          idle_.pop_back();
        }
      }
      auto prediction = request.cancelled->load() ? Status::Cancelled("the request was cancelled")
                                                  : Predict(request, &process);
      if (process != nullptr && process->alive()) {
        std::lock_guard lock(mutex_);
        idle_.push_back(std::move(process));
      }
      request.done(std::move(prediction));
    }
  }

  Result<Prediction> Predict(const Request& request, std::unique_ptr<PythonProcess>* process) {
    RowGroups all;
    all.whole = true;
    ARROW_ASSIGN_OR_RAISE(
        Prediction prediction,
        ScoreIsolated(request.rows, std::move(all), output_,
                      [&](const Batch& rows) -> Result<std::shared_ptr<arrow::RecordBatch>> {
                        if (request.cancelled->load())
                          return Status::Cancelled("the request was cancelled");
                        return Score(*rows.rows, process);
                      }));
    prediction.version = signature_.version;
    return prediction;
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Score(const arrow::RecordBatch& rows,
                                                    std::unique_ptr<PythonProcess>* process) {
    if (*process == nullptr || !(*process)->alive()) {
      ARROW_ASSIGN_OR_RAISE(*process, PythonProcess::Start(env_, command_));
    }
    const auto named = arrow::RecordBatch::Make(input_, rows.num_rows(), rows.columns());
    ARROW_ASSIGN_OR_RAISE(const std::string request, ToStream(input_, named.get()));
    ARROW_ASSIGN_OR_RAISE(std::string answer, (*process)->Ask(request));
    ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(
                                           std::make_shared<arrow::io::BufferReader>(
                                               arrow::Buffer::FromString(std::move(answer)))));
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader->Next());
    if (batch == nullptr) return Error::Data("the Python process gave no rows");
    return arrow::RecordBatch::Make(output_, batch->num_rows(), batch->columns());
  }

  Env& env_;
  const std::shared_ptr<arrow::Schema> input_, output_;
  const int processes_;
  PythonProcess::Command command_;
  ModelSignature signature_;

  std::mutex mutex_;
  std::deque<Request> requests_;
  std::vector<std::unique_ptr<PythonProcess>> idle_;
  int running_ = 0;
};

}  // namespace

Result<ModelLease> LoadPythonModel(const ModelConfig& config, const PythonOptions& options,
                                   Env& env) {
  auto model = std::make_shared<PythonModel>(config, options, env);
  ARROW_RETURN_NOT_OK(model->Load());
  return model;
}

}  // namespace millrace
