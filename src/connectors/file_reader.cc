#include <algorithm>
#include <deque>
#include <numeric>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/file_split.h"
#include "connectors/file_window.h"
#include "connectors/filesystem.h"
#include "spi/services.h"
#include "types/column_buffer.h"

namespace millrace {
namespace {

constexpr int64_t kMinBlock = 4096;
constexpr int64_t kMaxBlock = 1 << 20;
constexpr int64_t kMaxRecord = 64 << 20;

/// A split that has been opened.
struct OpenFile {
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<FileWindow> window;
};

struct ActiveSplit {
  std::string id;
  FileSplit split;
  bool paused = false;
  std::unique_ptr<OpenFile> open;
};

class FileReader final : public SourceReader {
 public:
  explicit FileReader(const SourceRequest& request)
      : env_(request.services.env()),
        format_(*request.format),
        format_options_(request.format_options),
        columns_{request.config.table.physical, request.config.projection},
        metadata_(request.config.metadata),
        schema_(request.OutputSchema().ToArrow()),
        ignored_(request.services.metrics().counter("source_parse_errors_ignored",
                                                    {{"table", request.config.table.name}})) {
    needs_lines_ = std::any_of(metadata_.begin(), metadata_.end(),
                               [](const auto& column) { return column.key == "file.line"; });
  }

  Status AddSplits(std::vector<Split> splits) override {
    for (auto& split : splits) {
      ActiveSplit active;
      ARROW_ASSIGN_OR_RAISE(active.split, FileSplit::From(split));
      active.id = std::move(split.id);
      splits_.push_back(std::move(active));
    }
    if (ready_) ready_();
    return Status::OK();
  }
  void NoMoreSplits() override {
    no_more_ = true;
    if (ready_) ready_();
  }
  void OnReady(std::function<void()> ready) override { ready_ = std::move(ready); }
  void Pause(std::span<const std::string> splits, bool paused) override {
    for (auto& active : splits_) {
      if (std::find(splits.begin(), splits.end(), active.id) != splits.end())
        active.paused = paused;
    }
    if (!paused && ready_) ready_();
  }
  Result<std::vector<Split>> Snapshot() override {
    std::vector<Split> splits;
    for (const auto& active : splits_)
      splits.push_back({active.id, active.split.ToSplit().position});
    return splits;
  }

  Result<Poll> PollNext(int64_t max_rows, int64_t max_bytes) override {
    Poll poll;
    const auto active = std::find_if(splits_.begin(), splits_.end(),
                                     [](const auto& split) { return !split.paused; });
    if (active == splits_.end()) {
      poll.kind = splits_.empty() && no_more_ ? Poll::Kind::kFinished : Poll::Kind::kNotReady;
      return poll;
    }
    if (auto status = Read(*active, max_rows, std::clamp(max_bytes, kMinBlock, kMaxBlock), &poll);
        !status.ok()) {
      return WithPlace(status, {}, active->split.path);
    }
    if (poll.split_finished) splits_.erase(active);
    return poll;
  }

 private:
  Status Read(ActiveSplit& active, int64_t max_rows, int64_t block, Poll* poll) {
    poll->kind = Poll::Kind::kRows;
    poll->split = active.id;
    if (!active.open) ARROW_RETURN_NOT_OK(Open(active));
    auto& window = *active.open->window;
    FileSplit& split = active.split;
    Decoded decoded;
    for (;;) {
      if (window.view().empty() && !window.at_end()) ARROW_RETURN_NOT_OK(window.Fill(block));
      ARROW_ASSIGN_OR_RAISE(decoded,
                            active.open->decoder->Decode(window.view(), window.at_end(), max_rows,
                                                         {split.path, split.line}));
      if (decoded.bytes > 0 || window.at_end()) break;
      const auto size = static_cast<int64_t>(window.view().size());
      if (size >= kMaxRecord) {
        ARROW_RETURN_NOT_OK(SkipLine(split, window, block, &decoded));
        break;
      }
      ARROW_RETURN_NOT_OK(window.Fill(std::min(std::max(block, size), kMaxRecord - size)));
    }
    if (!decoded.rejected.empty() && split.line == 0) {
      ARROW_RETURN_NOT_OK(FindLine(split));
      for (auto& record : decoded.rejected) record.position += split.line;
    }
    ARROW_RETURN_NOT_OK(MakeRows(split, decoded, &poll->rows));
    if (!decoded.rejected.empty()) {
      ARROW_ASSIGN_OR_RAISE(poll->rejected, MakeRejected(decoded.rejected));
    }
    if (decoded.ignored > 0) ignored_->Add(decoded.ignored);
    window.Consume(decoded.bytes);
    split.offset = window.offset();
    if (split.line > 0) split.line += decoded.lines;
    poll->split_finished = window.view().empty() && window.at_end();
    return Status::OK();
  }

  /// Gives up a record without an end: leaves out its first line.
  static Status SkipLine(const FileSplit& split, FileWindow& window, int64_t block, Decoded* out) {
    out->rejected.push_back({split.path, split.line, "no record ends within 64 MB",
                             std::string(window.view().substr(0, kMaxRejectedBytes))});
    for (;;) {
      const size_t end = window.view().find('\n');
      if (end != std::string_view::npos) {
        out->bytes = static_cast<int64_t>(end) + 1;
        out->lines = 1;
        return Status::OK();
      }
      window.Consume(static_cast<int64_t>(window.view().size()));
      if (window.at_end()) return Status::OK();
      ARROW_RETURN_NOT_OK(window.Fill(block));
    }
  }

  Status Open(ActiveSplit& active) {
    FileSplit& split = active.split;
    auto open = std::make_unique<OpenFile>();
    ARROW_ASSIGN_OR_RAISE(open->decoder, format_.make_decoder(columns_, format_options_));
    ARROW_ASSIGN_OR_RAISE(auto file, env_.files().OpenInput(split.path));
    ARROW_ASSIGN_OR_RAISE(const auto header, ReadHeader(*file, split, *open->decoder));
    if (split.offset < 0) {
      // A record belongs to the range in which it begins: after a line break.
      if (split.begin > 0) {
        ARROW_ASSIGN_OR_RAISE(split.begin, NextLine(*file, split.begin - 1, split.size));
      } else {
        split.line = header.lines + 1;
      }
      if (split.end < split.size && split.end > 0) {
        ARROW_ASSIGN_OR_RAISE(split.end, NextLine(*file, split.end - 1, split.size));
      }
      split.offset = std::max(split.begin, header.bytes);
    }
    const bool beginning_cut = split.line == 0;
    open->window = std::make_unique<FileWindow>(std::move(file), split.offset,
                                                std::max(split.offset, split.end));
    if (beginning_cut && needs_lines_) ARROW_RETURN_NOT_OK(FindLine(split));
    active.open = std::move(open);
    return Status::OK();
  }

  static Result<FileHeader> ReadHeader(InputFile& file, const FileSplit& split, Decoder& decoder) {
    std::string bytes;
    for (int64_t size = std::min<int64_t>(split.size, 64 << 10);;
         size = std::min(split.size, 2 * size)) {
      bytes.resize(static_cast<size_t>(size));
      ARROW_ASSIGN_OR_RAISE(const size_t read, file.ReadAt(0, bytes));
      bytes.resize(read);
      const bool last = static_cast<int64_t>(read) < size || size == split.size;
      ARROW_ASSIGN_OR_RAISE(const auto header, decoder.Header(bytes, last, {split.path, 1}));
      if (header.bytes >= 0 || last) {
        return FileHeader{std::max<int64_t>(header.bytes, 0), header.lines};
      }
    }
  }

  /// The line of a split that begins in the middle of its file: counted only when someone asks.
  Status FindLine(FileSplit& split) {
    ARROW_ASSIGN_OR_RAISE(const auto file, env_.files().OpenInput(split.path));
    ARROW_ASSIGN_OR_RAISE(split.line, CountLines(*file, split.offset));
    ++split.line;
    return Status::OK();
  }

  Status MakeRows(const FileSplit& split, const Decoded& decoded, Batch* out) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    int64_t rows = 0;
    if (decoded.rows) {
      columns = decoded.rows->columns();
      rows = decoded.rows->num_rows();
    }
    if (!decoded.rows && !columns_.projection.empty()) {
      for (const int column : columns_.projection) {
        columns.push_back(ColumnBuffer(columns_.schema.column(column).type).Finish());
      }
    }
    for (const auto& column : metadata_) columns.push_back(Metadata(column, split, decoded, rows));
    out->rows = arrow::RecordBatch::Make(schema_, rows, std::move(columns));
    out->kinds = decoded.kinds;
    out->ingest_us = env_.NowMicros();
    return Status::OK();
  }

  static std::shared_ptr<arrow::Array> Metadata(const MetadataColumn& column,
                                                const FileSplit& split, const Decoded& decoded,
                                                int64_t rows) {
    ColumnBuffer buffer(column.type);
    if (column.key == "file.line") {
      int64_t* const lines = buffer.Extend<int64_t>(rows);
      for (int64_t i = 0; i < rows; ++i) {
        lines[i] = split.line +
                   (decoded.line_of_row.empty() ? i : decoded.line_of_row[static_cast<size_t>(i)]);
      }
    } else if (column.key == "file.size") {
      std::fill_n(buffer.Extend<int64_t>(rows), rows, split.size);
    } else if (column.key == "file.modification-time") {
      std::fill_n(buffer.Extend<int64_t>(rows), rows, split.modified_us / 1000 * 1000);
    } else {
      const std::string text = column.key == "file.name" ? FileName(split.path) : split.path;
      for (int64_t i = 0; i < rows; ++i) buffer.AppendBytes(text);
    }
    return buffer.Finish();
  }

  Env& env_;
  const FormatSpec& format_;
  Options format_options_;
  DecodeRequest columns_;
  std::vector<MetadataColumn> metadata_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<Counter> ignored_;
  bool needs_lines_ = false;
  bool no_more_ = false;
  std::deque<ActiveSplit> splits_;
  std::function<void()> ready_;
};

}  // namespace

Result<std::unique_ptr<SourceReader>> MakeFileReader(const SourceRequest& request) {
  ARROW_RETURN_NOT_OK(request.format
                          ->make_decoder({request.config.table.physical, request.config.projection},
                                         request.format_options)
                          .status());
  return std::make_unique<FileReader>(request);
}

}  // namespace millrace
