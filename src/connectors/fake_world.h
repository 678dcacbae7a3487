#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <fnmatch.h>

#include "base/env.h"
#include "base/metrics.h"
#include "connectors/print.h"
#include "spi/services.h"

namespace millrace {

/// Files in memory that tests can make fail. An open file must not be removed.
class MemoryFiles final : public FileSystem {
 public:
  std::map<std::string, std::string> files;
  std::set<std::string> unreadable;
  int64_t free_bytes = 1 << 30;

  Result<std::unique_ptr<InputFile>> OpenInput(const std::string& path) override {
    if (unreadable.contains(path)) return Error::User("Permission denied").In(path);
    const auto at = files.find(path);
    if (at == files.end()) return Error::User("No such file or directory").In(path);
    return std::make_unique<Input>(at->second);
  }
  Result<std::unique_ptr<OutputFile>> OpenOutput(const std::string& path, OpenMode mode) override {
    if (mode == OpenMode::kTruncate) files[path].clear();
    return std::make_unique<Output>(*this, path);
  }
  Result<FileInfo> Stat(const std::string& path) override {
    const auto at = files.find(path);
    if (at != files.end())
      return FileInfo{path, static_cast<int64_t>(at->second.size()), 1'234'567};
    for (const auto& [name, bytes] : files) {
      if (name.starts_with(path + "/")) return FileInfo{path, 0, 0, true};
    }
    return Error::User("No such file or directory").In(path);
  }
  Result<std::vector<FileInfo>> List(const std::string& pattern) override {
    std::vector<FileInfo> found;
    for (const auto& [name, bytes] : files) {
      const bool hidden = name.find("/.") != std::string::npos;
      if (name == pattern || (!hidden && name.starts_with(pattern + "/")) ||
          fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) {
        found.push_back({name, static_cast<int64_t>(bytes.size()), 1'234'567});
      }
    }
    return found;
  }
  Status CreateDirectories(const std::string&) override { return Status::OK(); }
  Status Rename(const std::string& from, const std::string& to) override {
    const auto at = files.find(from);
    if (at == files.end()) return Error::User("No such file or directory").In(from);
    files[to] = std::move(at->second);
    files.erase(from);
    return Status::OK();
  }
  Status Remove(const std::string& path) override {
    files.erase(path);
    return Status::OK();
  }

  /// The names of the files that a reader would see.
  std::vector<std::string> Visible() const {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files) {
      if (name.find("/.") == std::string::npos) names.push_back(name);
    }
    return names;
  }

 private:
  class Input final : public InputFile {
   public:
    explicit Input(const std::string& bytes) : bytes_(bytes) {}
    Result<size_t> ReadAt(int64_t offset, std::span<char> out) override {
      const auto at = std::min(static_cast<size_t>(offset), bytes_.size());
      return bytes_.copy(out.data(), out.size(), at);
    }
    Result<int64_t> Size() override { return static_cast<int64_t>(bytes_.size()); }

   private:
    const std::string& bytes_;
  };
  class Output final : public OutputFile {
   public:
    Output(MemoryFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
    Status Append(std::string_view bytes) override {
      files_.free_bytes -= static_cast<int64_t>(bytes.size());
      if (files_.free_bytes < 0) return Status::IOError("No space left on device");
      files_.files[path_] += bytes;
      return Status::OK();
    }
    Status Sync() override { return Status::OK(); }
    Status Close() override { return Status::OK(); }

   private:
    MemoryFiles& files_;
    std::string path_;
  };
};

/// A clock that tests move; work runs at once.
class FakeEnv final : public Env {
 public:
  int64_t now_us = 1'700'000'000'000'000;
  MemoryFiles memory;

  int64_t NowMicros() override { return now_us; }
  int64_t MonotonicMicros() override { return now_us; }
  uint64_t seed = 42;
  uint64_t Random() override { return seed; }
  void Execute(std::function<void()> work) override { work(); }
  FileSystem& files() override { return memory; }
};

class NoSecrets final : public SecretProvider {
 public:
  Result<std::string> Get(std::string_view name) const override {
    return Error::User("no secret '" + std::string(name) + "'");
  }
};

class FakeServices final : public Services {
 public:
  NoSecrets no_secrets;
  FakeEnv fake_env;
  Registries all;
  MetricRegistry metric_registry;

  Env& env() override { return fake_env; }
  const Registries& registries() const override { return all; }
  ModelRuntime& models() override { std::terminate(); }
  const SecretProvider& secrets() const override { return no_secrets; }
  MetricRegistry& metrics() override { return metric_registry; }
  HttpClient& http() override { std::terminate(); }
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view) override { std::terminate(); }
};

using OptionMap = std::map<std::string, std::string>;

/// Rows as text, one a line, as 'print' shows them.
inline std::vector<std::string> Lines(const arrow::RecordBatch& rows, const Schema& schema) {
  std::vector<std::string> lines;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    std::string& line = lines.emplace_back();
    for (int i = 0; i < schema.size(); ++i) {
      if (i > 0) line += "|";
      AppendPrinted(schema.column(i).type, *rows.column(i), row, &line);
    }
  }
  return lines;
}

/// A table of a connector under test.
struct TestTable {
  FakeServices& services;
  SourceConfig config;
  ResolvedTable resolved;

  static Result<std::unique_ptr<TestTable>> Make(FakeServices& services,
                                                 const std::string& connector, Schema schema,
                                                 OptionMap options) {
    SourceConfig config;
    config.table = {"t", connector, std::move(options), std::move(schema)};
    for (int i = 0; i < config.table.physical.size(); ++i) config.projection.push_back(i);
    ARROW_ASSIGN_OR_RAISE(auto resolved, ResolveTable(services.all, config.table));
    return std::unique_ptr<TestTable>(
        new TestTable{services, std::move(config), std::move(resolved)});
  }

  SourceRequest source() const {
    return {config, resolved.options, resolved.format, resolved.format_options, services};
  }
  Result<std::vector<Split>> Splits(int parallelism = 1) const {
    ARROW_ASSIGN_OR_RAISE(auto finder, resolved.connector->make_finder(source()));
    ARROW_RETURN_NOT_OK(finder->Open("", parallelism, services.env()));
    return finder->NewSplits();
  }
  Result<std::unique_ptr<SourceReader>> Reader(std::vector<Split> splits) const {
    ARROW_ASSIGN_OR_RAISE(auto reader, resolved.connector->make_reader(source()));
    ARROW_RETURN_NOT_OK(reader->AddSplits(std::move(splits)));
    reader->NoMoreSplits();
    return reader;
  }
  /// Rows, and rejected records as "source|position|reason|raw" after "!", until the reader has
  /// nothing ready or `polls` were made.
  Result<std::vector<std::string>> Read(SourceReader& reader, int64_t max_rows = 1000,
                                        int64_t max_bytes = 1 << 20, int polls = 1 << 30) const {
    std::vector<std::string> lines;
    const Schema schema = source().OutputSchema();
    while (polls-- > 0) {
      ARROW_ASSIGN_OR_RAISE(const auto poll, reader.PollNext(max_rows, max_bytes));
      if (poll.kind != Poll::Kind::kRows) break;
      ARROW_RETURN_NOT_OK(poll.rows.rows->ValidateFull());
      for (auto& line : Lines(*poll.rows.rows, schema)) lines.push_back(std::move(line));
      if (!poll.rejected.rows) continue;
      const Schema rejected({{"s", SqlType::String(), {}},
                             {"p", SqlType::BigInt(), {}},
                             {"r", SqlType::String(), {}},
                             {"raw", SqlType::String(), {}}});
      for (auto& line : Lines(*poll.rejected.rows, rejected)) lines.push_back("!" + line);
    }
    return lines;
  }
  Result<std::vector<std::string>> ReadAll() const {
    ARROW_ASSIGN_OR_RAISE(auto splits, Splits());
    ARROW_ASSIGN_OR_RAISE(auto reader, Reader(std::move(splits)));
    return Read(*reader);
  }
  Result<std::unique_ptr<SinkWriter>> Writer(int subtask = 0, int parallelism = 1) const {
    SinkConfig sink;
    sink.table = config.table;
    return resolved.connector->make_writer({sink, resolved.options, resolved.format,
                                            resolved.format_options, services, subtask, parallelism,
                                            "job"});
  }
};

}  // namespace millrace
