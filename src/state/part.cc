#include "state/part.h"

#include <charconv>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

namespace millrace {
namespace {

constexpr const char* kNode = "millrace.node";
constexpr const char* kState = "millrace.state";
constexpr const char* kVersion = "millrace.version";
constexpr const char* kKeyGroup = "millrace.key_group";
constexpr const char* kMaxParallelism = "millrace.max_parallelism";

std::string Text(const arrow::KeyValueMetadata& metadata, const char* key) {
  return metadata.Get(key).ValueOr("");
}

Result<int> Number(const arrow::KeyValueMetadata& metadata, const char* key) {
  const std::string text = Text(metadata, key);
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return Error::Data(std::string("its '") + key + "' is '" + text + "'");
  }
  return value;
}

Result<PartHeader> ReadHeader(const PartHeader& expected, const arrow::Schema& schema) {
  if (!schema.metadata()) return Error::Data("it has no Millrace metadata");
  const arrow::KeyValueMetadata& metadata = *schema.metadata();
  PartHeader header = expected;
  header.node = Text(metadata, kNode);
  header.spec.name = Text(metadata, kState);
  header.group.reset();
  if (metadata.Contains(kKeyGroup)) {
    ARROW_ASSIGN_OR_RAISE(const int group, Number(metadata, kKeyGroup));
    header.group = KeyGroup{group};
  }
  ARROW_ASSIGN_OR_RAISE(header.spec.version, Number(metadata, kVersion));
  ARROW_ASSIGN_OR_RAISE(header.max_parallelism, Number(metadata, kMaxParallelism));
  return header;
}

// The node is not compared: a state may be restored under a new name.
Status CheckHeader(const PartHeader& expected, const PartHeader& found) {
  if (found.spec.name != expected.spec.name || found.group != expected.group) {
    return Error::Data("it is of " + Describe(found.node, found.spec.name, found.group));
  }
  if (found.spec.version != expected.spec.version) {
    return Error::Data("it is of version " + std::to_string(found.spec.version));
  }
  if (found.group && found.max_parallelism != expected.max_parallelism) {
    return Error::User("the state was written with a maximum parallelism of " +
                       std::to_string(found.max_parallelism) + ", the job has " +
                       std::to_string(expected.max_parallelism))
        .Hint("SET 'pipeline.max-parallelism' = '" + std::to_string(found.max_parallelism) + "'");
  }
  return Status::OK();
}

Status ReadChecked(const PartHeader& expected, const arrow::FieldVector& fields,
                   std::string_view bytes, const PartVisitor& visit) {
  arrow::io::BufferReader input(std::make_shared<arrow::Buffer>(bytes));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(&input));
  ARROW_ASSIGN_OR_RAISE(const PartHeader found, ReadHeader(expected, *reader->schema()));
  ARROW_RETURN_NOT_OK(CheckHeader(expected, found));
  const auto schema = arrow::schema(fields);
  if (!reader->schema()->Equals(*schema, /*check_metadata=*/false)) {
    return Error::User("the columns of the state have changed: it was written with " +
                       reader->schema()->ToString(/*show_metadata=*/false) + ", the job has " +
                       schema->ToString())
        .Hint("give the changed operator another STATE_ID, or restore without this state");
  }
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> rows;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&rows));
    if (!rows) return Status::OK();
    ARROW_RETURN_NOT_OK(rows->ValidateFull());
    ARROW_RETURN_NOT_OK(visit(*rows));
  }
}

}  // namespace

PartWriter::PartWriter() = default;
PartWriter::~PartWriter() = default;

Result<std::unique_ptr<PartWriter>> PartWriter::Make(const PartHeader& header,
                                                     const arrow::FieldVector& fields) {
  auto metadata =
      arrow::key_value_metadata({kNode, kState, kVersion, kMaxParallelism},
                                {header.node, header.spec.name, std::to_string(header.spec.version),
                                 std::to_string(header.max_parallelism)});
  if (header.group) metadata->Append(kKeyGroup, std::to_string(Raw(*header.group)));
  std::unique_ptr<PartWriter> writer(new PartWriter);
  writer->schema_ = arrow::schema(fields, std::move(metadata));
  ARROW_ASSIGN_OR_RAISE(writer->stream_, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(writer->writer_,
                        arrow::ipc::MakeStreamWriter(writer->stream_, writer->schema_));
  return writer;
}

Status PartWriter::Write(const arrow::ArrayVector& columns) {
  return writer_->WriteRecordBatch(
      *arrow::RecordBatch::Make(schema_, columns.front()->length(), columns));
}

Status PartWriter::Finish(std::string* out) {
  ARROW_RETURN_NOT_OK(writer_->Close());
  ARROW_ASSIGN_OR_RAISE(auto buffer, stream_->Finish());
  out->assign(reinterpret_cast<const char*>(buffer->data()), static_cast<size_t>(buffer->size()));
  return Status::OK();
}

Status ReadPart(const PartHeader& expected, const arrow::FieldVector& fields,
                std::string_view bytes, const PartVisitor& visit) {
  const Status read = ReadChecked(expected, fields, bytes, visit);
  if (read.ok()) return read;
  const std::string where = Describe(expected.node, expected.spec.name, expected.group);
  if (read.detail()) {
    ErrorInfo info = InfoOf(read);
    if (info.error_class != ErrorClass::kData) return WithPlace(read, {}, where);
  }
  return Error::Data("a part of the snapshot is damaged: " + read.message())
      .In(where)
      .Hint("restore from another checkpoint");
}

std::string Describe(const NodeId& node, std::string_view state, std::optional<KeyGroup> group) {
  std::string text = "node '" + node + "', state '" + std::string(state) + "'";
  if (group) text += ", key group " + std::to_string(Raw(*group));
  return text;
}

}  // namespace millrace
