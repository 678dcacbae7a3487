#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "spi/source.h"
#include "types/batch.h"
#include "types/schema.h"

namespace millrace {

/// Where a run of bytes comes from, for rejected records.
struct ChunkOrigin {
  std::string source;      ///< file name, topic/partition
  int64_t first_line = 1;  ///< line or offset of the first record
};

/// Rows read from a run of bytes.
struct Decoded {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::shared_ptr<arrow::Int8Array> kinds;  ///< changelog formats; else null
  std::vector<RejectedRecord> rejected;
  /// Line of each row, 0-based from the first; of messages: their index. Empty: row i is line i.
  std::vector<int32_t> line_of_row;
  int64_t bytes = 0;    ///< consumed: the rows', the rejected records' and blank lines
  int64_t lines = 0;    ///< in those bytes
  int64_t ignored = 0;  ///< fields and rows left out because of 'ignore-parse-errors'
};

/// What a file starts with and is not a record.
struct FileHeader {
  int64_t bytes = 0;  ///< to leave out; -1: the header does not end within the bytes given
  int64_t lines = 0;
};

/// Bytes to rows. One thread at a time; keeps buffers between calls.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Whether reading may begin after any line break: no record holds one.
  virtual bool splittable() const { return false; }
  /// Reads what a file starts with (a byte order mark, a header line). Called before the first
  /// `Decode` of each file, with the bytes at its beginning; `last`: they are the whole file.
  virtual Result<FileHeader> Header(std::string_view /*bytes*/, bool /*last*/, const ChunkOrigin&) {
    return FileHeader{};
  }
  /// Rows of the records that are whole in `bytes`, from its beginning, at most `max_rows`. With
  /// `last` the end of the bytes ends a record. `Decoded::bytes` is 0 where not one record ends:
  /// call again with more.
  virtual Result<Decoded> Decode(std::string_view bytes, bool last, int64_t max_rows,
                                 const ChunkOrigin& origin) = 0;
  /// Messages of a queue, one record each; `positions` are their offsets.
  virtual Result<Decoded> DecodeMessages(std::span<const std::string_view> messages,
                                         std::span<const int64_t> positions,
                                         const std::string& source) = 0;
};

/// Rows to bytes. One thread at a time.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// What a file starts with.
  virtual std::string Header() const { return {}; }
  /// Appends the rows as records of a file.
  virtual Status Encode(const arrow::RecordBatch& rows, std::string* out) = 0;
  /// One message per row.
  virtual Status EncodeMessages(const arrow::RecordBatch& rows, std::vector<std::string>* out) = 0;
};

/// What a decoder has to produce: `schema` columns, of which only `projection` are wanted.
struct DecodeRequest {
  Schema schema;
  std::vector<int> projection;
};

/// A format, declared once.
struct FormatSpec {
  std::string name;
  std::string doc;
  std::string example;              ///< SQL
  std::vector<OptionSpec> options;  ///< keys without the "<format>." prefix
  Result<std::unique_ptr<Decoder>> (*make_decoder)(const DecodeRequest&, const Options&) = nullptr;
  Result<std::unique_ptr<Encoder>> (*make_encoder)(const Schema&, const Options&) = nullptr;
};

}  // namespace millrace
