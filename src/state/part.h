#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/io/type_fwd.h>
#include <arrow/ipc/type_fwd.h>
#include <arrow/type_fwd.h>

#include "base/error.h"
#include "state/state.h"

namespace millrace {

/// What a part says of itself, in the metadata of its schema.
struct PartHeader {
  NodeId node;
  StateSpec spec;
  std::optional<KeyGroup> group;
  int max_parallelism = 128;
};

/// Rows that are gathered before they are written to a part, or given out of it.
inline constexpr size_t kRowsPerPartBatch = 8192;
/// A batch that is larger has one row: Arrow's columns of bytes end at 2 GB.
inline constexpr size_t kBytesPerPartBatch = size_t{64} << 20;

/// Writes one part: an Arrow IPC stream.
class PartWriter {
 public:
  static Result<std::unique_ptr<PartWriter>> Make(const PartHeader& header,
                                                  const arrow::FieldVector& fields);
  ~PartWriter();
  Status Write(const arrow::ArrayVector& columns);
  /// Puts the bytes into `out`.
  Status Finish(std::string* out);

 private:
  PartWriter();

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::io::BufferOutputStream> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

/// Reads a part, after checking that it is the one that `expected` names. `visit` gets validated
/// batches of the `fields`; a failure names the part and says that it is damaged. A part of an
/// older version may have other values: those it lacks begin as in a new row, those that are gone
/// are left out, integers and floating-point numbers may have become wider.
using PartVisitor = std::function<Status(const arrow::RecordBatch&)>;
Status ReadPart(const PartHeader& expected, const arrow::FieldVector& fields,
                std::string_view bytes, const PartVisitor& visit);

/// "node 'n', state 's', key group 3": for errors.
std::string Describe(const NodeId& node, std::string_view state, std::optional<KeyGroup> group);

}  // namespace millrace
