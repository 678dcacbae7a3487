#include "state/part.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/key_value_metadata.h>

#include "state/fixed_column.h"
#include "state/row_ages.h"

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
  if (found.spec.version > expected.spec.version) {
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

constexpr int kAbsent = -1;

// Every value of `from` is one of `to`.
bool Widens(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.id() == arrow::Type::FLOAT) return to.id() == arrow::Type::DOUBLE;
  return arrow::is_signed_integer(from.id()) && arrow::is_signed_integer(to.id()) &&
         from.byte_width() <= to.byte_width();
}

// Whether a field holds what the operator declares: keys or values.
bool IsDeclared(const std::string& field, std::string_view prefix) {
  return field.starts_with(prefix);
}

/// For each of `fields` the column of the part that it is read from, or `kAbsent`.
Result<std::vector<int>> ColumnsOf(const PartHeader& expected, const PartHeader& found,
                                   const arrow::FieldVector& fields, const arrow::Schema& schema) {
  const auto refuse = [&](const std::string& verb, const std::string& field,
                          const std::string& as) {
    const bool key = IsDeclared(field, "key:");
    return Error::User("the columns of the state have changed: version " +
                       std::to_string(found.spec.version) + " of the state " + verb + " the " +
                       (key ? "key " : "") + "column '" + field.substr(field.find(':') + 1) + "'" +
                       as + ", which version " + std::to_string(expected.spec.version) +
                       " of the job cannot read")
        .Hint("give the changed operator another STATE_ID, or restore without this state");
  };
  const bool same_version = found.spec.version == expected.spec.version;
  std::vector<int> from;
  // By place first: columns may share a name.
  if (schema.Equals(*arrow::schema(fields), /*check_metadata=*/false)) {
    for (int i = 0; i < schema.num_fields(); ++i) from.push_back(i);
    return from;
  }
  for (const auto& field : fields) {
    const std::string& name = field->name();
    const bool value = IsDeclared(name, "value:");
    const int column = schema.GetFieldIndex(name);
    from.push_back(column);
    if (column < 0) {
      const bool may_lack = (value && !same_version) || name == RowAges::Field()->name();
      if (!may_lack) return refuse("lacks", name, "");
      from.back() = kAbsent;
      continue;
    }
    const arrow::DataType& type = *schema.field(column)->type();
    if (type.Equals(*field->type())) continue;
    if (value && !same_version && Widens(type, *field->type())) continue;
    return refuse("has", name,
                  " as " + type.ToString() + " instead of " + field->type()->ToString());
  }
  for (const auto& field : schema.fields()) {
    const std::string& name = field->name();
    const bool known = std::any_of(fields.begin(), fields.end(),
                                   [&](const auto& each) { return each->name() == name; });
    if (!known && (IsDeclared(name, "key:") || (same_version && IsDeclared(name, "value:")))) {
      return refuse("has", name, " as well");
    }
  }
  return from;
}

/// A column as the job has it: a new value is zero where it is of fixed width, as in a new row;
/// everything else that the part lacks is NULL.
Result<std::shared_ptr<arrow::Array>> ColumnOf(const arrow::RecordBatch& rows, int column,
                                               const arrow::Field& field) {
  if (column != kAbsent) {
    if (rows.column(column)->type()->Equals(*field.type())) return rows.column(column);
    return arrow::compute::Cast(*rows.column(column), field.type());
  }
  const int width = FixedWidth(*field.type());
  if (width == 0 || !IsDeclared(field.name(), "value:")) {
    return arrow::MakeArrayOfNull(field.type(), rows.num_rows());
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> zeros,
                        arrow::AllocateBuffer(rows.num_rows() * width));
  std::memset(zeros->mutable_data(), 0, static_cast<size_t>(zeros->size()));
  return arrow::MakeArray(
      arrow::ArrayData::Make(field.type(), rows.num_rows(), {nullptr, std::move(zeros)}, 0));
}

Status ReadChecked(const PartHeader& expected, const arrow::FieldVector& fields,
                   std::string_view bytes, const PartVisitor& visit) {
  arrow::io::BufferReader input(std::make_shared<arrow::Buffer>(bytes));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(&input));
  ARROW_ASSIGN_OR_RAISE(const PartHeader found, ReadHeader(expected, *reader->schema()));
  ARROW_RETURN_NOT_OK(CheckHeader(expected, found));
  ARROW_ASSIGN_OR_RAISE(const std::vector<int> from,
                        ColumnsOf(expected, found, fields, *reader->schema()));
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> rows;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&rows));
    if (!rows) return Status::OK();
    ARROW_RETURN_NOT_OK(rows->ValidateFull());
    arrow::ArrayVector columns;
    for (size_t i = 0; i < fields.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), ColumnOf(*rows, from[i], *fields[i]));
    }
    ARROW_RETURN_NOT_OK(visit(
        *arrow::RecordBatch::Make(arrow::schema(fields), rows->num_rows(), std::move(columns))));
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
