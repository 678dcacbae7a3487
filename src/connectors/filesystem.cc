#include "connectors/filesystem.h"

namespace millrace {

std::string LocalPath(const std::string& path) {
  constexpr std::string_view kScheme = "file://";
  return path.starts_with(kScheme) ? path.substr(kScheme.size()) : path;
}

std::string FileName(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string ParentPath(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

ConnectorSpec FilesystemConnector() {
  ConnectorSpec spec;
  spec.name = "filesystem";
  spec.doc =
      "Reads the files that exist when the job starts: one file, all files of a directory (hidden "
      "ones left out), or "
      "those that match a glob. Writes a directory of part files; a path whose name has an "
      "extension is written as "
      "that one file when the sink's parallelism is 1, and rows are added to it where it exists. "
      "Rows become visible, "
      "all at once, when their checkpoint completes or the job ends.";
  spec.example =
      "CREATE TABLE orders (id BIGINT, amount DOUBLE, f STRING METADATA FROM 'file.name') WITH (\n"
      "  'connector' = 'filesystem', 'path' = 'data/orders-*.csv', 'format' = 'csv')";
  spec.options = {
      {.key = "path",
       .doc = "A file, a directory or a glob ('*', '?', '[…]'); of a sink: a directory or a file.",
       .required = true},
      {.key = "source.split-size",
       .type = OptionType::kBytes,
       .default_value = "32 mb",
       .doc = "Several readers share a file larger than twice this, where its format lets them "
              "(json; csv with "
              "'csv.line-breaks-in-values' = 'false')."},
      {.key = "sink.rolling-policy.file-size",
       .type = OptionType::kBytes,
       .default_value = "128 mb",
       .doc = "A part file that has grown to this size is closed and the next one begun."},
  };
  spec.metadata = {
      {"file.path", SqlType::String().AsNotNull(), "The file's path."},
      {"file.name", SqlType::String().AsNotNull(), "The last part of the path."},
      {"file.size", SqlType::BigInt().AsNotNull(), "Bytes in the file."},
      {"file.modification-time", SqlType::TimestampLtz(3).AsNotNull(),
       "When the file was changed last."},
      {"file.line", SqlType::BigInt().AsNotNull(), "The line on which the record begins, from 1."},
  };
  spec.needs_format = true;
  spec.bounded = [](const Options&) { return true; };
  spec.shows_with_checkpoints = [](const Options&) { return true; };
  spec.make_finder = MakeFileFinder;
  spec.make_reader = MakeFileReader;
  spec.make_writer = MakeFileWriter;
  return spec;
}

}  // namespace millrace
