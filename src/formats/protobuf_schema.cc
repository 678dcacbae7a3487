#include "formats/protobuf_schema.h"

#include <bit>

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.h>

#include "base/suggest.h"

namespace millrace {
namespace {

namespace pb = google::protobuf;

constexpr int kMaxDepth = 32;

class Faults final : public pb::compiler::MultiFileErrorCollector {
 public:
  void AddError(const std::string& file, int line, int column, const std::string& text) override {
    if (!first_.ok()) return;
    first_ = Error::User(text).At({line + 1, column + 1}).In(file);
  }
  const Status& first() const { return first_; }

 private:
  Status first_;
};

/// What holds a field's descriptor while the schema is made.
struct ProtoFile {
  explicit ProtoFile(const std::string& folder) : importer(&tree, &faults) {
    tree.MapPath("", folder);
  }
  pb::compiler::DiskSourceTree tree;
  Faults faults;
  pb::compiler::Importer importer;
};

struct KindRule {
  WireKind kind;
  std::vector<TypeKind> columns;  ///< the first one is told
  const char* sql;
};

const KindRule& RuleOf(pb::FieldDescriptor::Type type) {
  using F = pb::FieldDescriptor;
  static const auto* const rules = new std::map<F::Type, KindRule>{
      {F::TYPE_BOOL, {WireKind::kBool, {TypeKind::kBoolean}, "BOOLEAN"}},
      {F::TYPE_INT32, {WireKind::kInt32, {TypeKind::kInt}, "INT"}},
      {F::TYPE_SINT32, {WireKind::kSint32, {TypeKind::kInt}, "INT"}},
      {F::TYPE_SFIXED32, {WireKind::kSfixed32, {TypeKind::kInt}, "INT"}},
      {F::TYPE_UINT32, {WireKind::kUint32, {TypeKind::kBigInt, TypeKind::kInt}, "BIGINT or INT"}},
      {F::TYPE_FIXED32, {WireKind::kFixed32, {TypeKind::kBigInt, TypeKind::kInt}, "BIGINT or INT"}},
      {F::TYPE_INT64, {WireKind::kInt64, {TypeKind::kBigInt}, "BIGINT"}},
      {F::TYPE_SINT64, {WireKind::kSint64, {TypeKind::kBigInt}, "BIGINT"}},
      {F::TYPE_SFIXED64, {WireKind::kSfixed64, {TypeKind::kBigInt}, "BIGINT"}},
      {F::TYPE_UINT64, {WireKind::kUint64, {TypeKind::kBigInt}, "BIGINT"}},
      {F::TYPE_FIXED64, {WireKind::kFixed64, {TypeKind::kBigInt}, "BIGINT"}},
      {F::TYPE_FLOAT, {WireKind::kFloat, {TypeKind::kFloat}, "FLOAT"}},
      {F::TYPE_DOUBLE, {WireKind::kDouble, {TypeKind::kDouble}, "DOUBLE"}},
      {F::TYPE_STRING, {WireKind::kString, {TypeKind::kVarChar, TypeKind::kChar}, "STRING"}},
      {F::TYPE_BYTES, {WireKind::kBytes, {TypeKind::kVarBinary, TypeKind::kBinary}, "BYTES"}},
      {F::TYPE_ENUM, {WireKind::kEnum, {TypeKind::kVarChar, TypeKind::kInt}, "STRING or INT"}},
      {F::TYPE_MESSAGE, {WireKind::kMessage, {TypeKind::kRow}, "ROW<…>"}},
      {F::TYPE_GROUP, {WireKind::kMessage, {}, "nothing: groups are not read"}},
  };
  return rules->at(type);
}

Status Mismatch(const pb::FieldDescriptor& field, const SqlType& type, const std::string& needed) {
  return Error::User("the column `" + field.name() + "` is a " + type.ToString() + ", but in '" +
                     field.containing_type()->full_name() + "' it is a " +
                     (field.is_repeated() ? "repeated " : "") + field.type_name())
      .Hint("declare it as " + needed);
}

void SetDefault(const pb::FieldDescriptor& field, ProtoField* out) {
  using F = pb::FieldDescriptor;
  switch (field.cpp_type()) {
    case F::CPPTYPE_BOOL:
      out->default_bits = field.default_value_bool() ? 1 : 0;
      break;
    case F::CPPTYPE_INT32:
      out->default_bits = field.default_value_int32();
      break;
    case F::CPPTYPE_UINT32:
      out->default_bits = field.default_value_uint32();
      break;
    case F::CPPTYPE_INT64:
      out->default_bits = field.default_value_int64();
      break;
    case F::CPPTYPE_UINT64:
      out->default_bits = static_cast<int64_t>(field.default_value_uint64());
      break;
    case F::CPPTYPE_FLOAT:
      out->default_bits = std::bit_cast<int32_t>(field.default_value_float());
      break;
    case F::CPPTYPE_DOUBLE:
      out->default_bits = std::bit_cast<int64_t>(field.default_value_double());
      break;
    case F::CPPTYPE_STRING:
      out->default_text = field.default_value_string();
      break;
    case F::CPPTYPE_ENUM:
      out->default_bits = field.default_value_enum()->number();
      break;
    case F::CPPTYPE_MESSAGE:
      break;
  }
}

Result<std::shared_ptr<const ProtoMessage>> MessageOf(const pb::Descriptor& descriptor,
                                                      const std::vector<SqlField>& columns,
                                                      int depth);

Result<ProtoField> FieldOf(const pb::FieldDescriptor& field, const SqlType& type, int depth) {
  ProtoField out;
  out.name = field.name();
  out.number = static_cast<uint32_t>(field.number());
  out.type = type;
  out.map = field.is_map();
  out.repeated = field.is_repeated();
  out.packed = field.is_packed();
  out.presence = field.has_presence();
  const KindRule& rule = RuleOf(field.type());
  out.kind = rule.kind;
  if (out.map) {
    if (type.kind() != TypeKind::kMap) return Mismatch(field, type, "MAP<…>");
    const std::vector<SqlField> entry = {{"key", type.key(), {}}, {"value", type.value(), {}}};
    ARROW_ASSIGN_OR_RAISE(out.message, MessageOf(*field.message_type(), entry, depth + 1));
    return out;
  }
  if (out.repeated && type.kind() != TypeKind::kArray) {
    return Mismatch(field, type, "ARRAY<" + std::string(rule.sql) + ">");
  }
  const SqlType& value = out.value_type();
  if (std::find(rule.columns.begin(), rule.columns.end(), value.kind()) == rule.columns.end()) {
    return Mismatch(field, type, rule.sql);
  }
  if (out.kind == WireKind::kMessage) {
    ARROW_ASSIGN_OR_RAISE(out.message, MessageOf(*field.message_type(), value.fields(), depth + 1));
    return out;
  }
  if (out.kind == WireKind::kEnum) {
    for (int i = 0; i < field.enum_type()->value_count(); ++i) {
      const auto& one = *field.enum_type()->value(i);
      out.enum_names.try_emplace(one.number(), one.name());
      out.enum_numbers[one.name()] = one.number();
    }
  }
  if (!out.repeated) SetDefault(field, &out);
  return out;
}

Result<std::shared_ptr<const ProtoMessage>> MessageOf(const pb::Descriptor& descriptor,
                                                      const std::vector<SqlField>& columns,
                                                      int depth) {
  if (depth > kMaxDepth) return Error::User("messages are nested too deeply");
  constexpr uint32_t kDirect = 512;
  auto message = std::make_shared<ProtoMessage>();
  for (const SqlField& column : columns) {
    const auto* const field = descriptor.FindFieldByName(column.name);
    if (field == nullptr) {
      std::vector<std::string> names;
      for (int i = 0; i < descriptor.field_count(); ++i) {
        names.push_back(descriptor.field(i)->name());
      }
      return Error::User("the message '" + descriptor.full_name() + "' has no field '" +
                         column.name + "'")
          .Hint(Suggest(column.name, names));
    }
    ARROW_ASSIGN_OR_RAISE(auto out, FieldOf(*field, column.type, depth));
    if (out.number < kDirect) {
      if (message->by_number.size() <= out.number) message->by_number.resize(out.number + 1, -1);
      message->by_number[out.number] = static_cast<int16_t>(message->fields.size());
    }
    message->fields.push_back(std::move(out));
  }
  return message;
}

}  // namespace

Result<std::shared_ptr<const ProtoMessage>> ReadProtoSchema(const Schema& columns,
                                                            const Options& options) {
  const std::string path = options.String("schema");
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  ProtoFile file(folder);
  const auto* const described =
      file.importer.Import(slash == std::string::npos ? path : path.substr(slash + 1));
  if (described == nullptr) {
    const Status& fault = file.faults.first();
    return fault.ok() ? Error::User("the file cannot be read").In(path)
                      : Result<std::shared_ptr<const ProtoMessage>>(fault);
  }
  const std::string name = options.String("message");
  const auto* descriptor = file.importer.pool()->FindMessageTypeByName(name);
  if (descriptor == nullptr) {
    std::vector<std::string> names;
    for (int i = 0; i < described->message_type_count(); ++i) {
      names.push_back(described->message_type(i)->full_name());
    }
    return Error::User("there is no message '" + name + "'").In(path).Hint(Suggest(name, names));
  }
  return MessageOf(*descriptor, columns.columns(), 0);
}

}  // namespace millrace
