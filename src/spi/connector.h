#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "plan/nodes.h"
#include "spi/format.h"
#include "spi/sink.h"
#include "spi/source.h"

namespace millrace {

class Services;

/// A column that a connector can add to each row.
struct MetadataSpec {
  std::string key;
  SqlType type;
  std::string doc;
};

/// What a source is asked for: the `projection` of the physical columns, then `metadata`.
struct SourceRequest {
  const SourceConfig& config;
  Options options;  ///< the connector's own, checked
  const FormatSpec* format = nullptr;
  Options format_options;
  Services& services;

  Schema OutputSchema() const;  ///< projection, then metadata
};

struct SinkRequest {
  const SinkConfig& config;
  Options options;
  const FormatSpec* format = nullptr;
  Options format_options;
  Services& services;
  int subtask = 0;
  int parallelism = 1;
  std::string job;
};

/// A connector, declared once: validation, docs and forms read it.
struct ConnectorSpec {
  std::string name;
  std::string doc;
  std::string example;  ///< SQL
  std::vector<OptionSpec> options;
  std::vector<MetadataSpec> metadata;
  bool needs_format = false;
  bool takes_changelog = false;  ///< its sink takes updates and deletes
  /// What its source gives; kUpsert: by the table's primary key.
  ChangelogMode source_changelog = ChangelogMode::kAppend;
  std::function<bool(const Options&)> bounded;  ///< of its source; null: never
  /// Its sink shows rows only once their checkpoint is complete or the job ends; null: never.
  std::function<bool(const Options&)> shows_with_checkpoints;
  /// Checks what options alone cannot: columns against the connector, files that must exist. May be
  /// null.
  Status (*check)(const TableConfig&, const Options&) = nullptr;
  std::function<Result<std::unique_ptr<SplitFinder>>(const SourceRequest&)> make_finder;
  std::function<Result<std::unique_ptr<SourceReader>>(const SourceRequest&)> make_reader;
  std::function<Result<std::unique_ptr<SinkWriter>>(const SinkRequest&)> make_writer;
};

/// A table's options taken apart: the connector's, the format's.
struct ResolvedTable {
  const ConnectorSpec* connector = nullptr;
  Options options;
  const FormatSpec* format = nullptr;
  Options format_options;
  Options watermark_options;  ///< of `WatermarkOptions`
};

/// The options 'scan.watermark.…' of every table with a watermark, whatever its connector.
std::span<const OptionSpec> WatermarkOptions();

}  // namespace millrace
