#include "expr/cast.h"

#include <utility>

#include <arrow/util/bitmap_ops.h>

#include "expr/cast_parts.h"
#include "expr/type_rules.h"

namespace millrace {
namespace {

/// Runs `kernel` over the children of a nested column; `row_of` maps a child's index to the
/// column's row.
template <class RowOf>
Result<std::shared_ptr<arrow::Array>> CastChildren(const ScalarKernel& kernel,
                                                   const std::shared_ptr<arrow::Array>& children,
                                                   bool constant, RowOf row_of,
                                                   const EvalContext& context, RowErrors& errors) {
  RowErrors child_errors(children->length());
  const ColumnValue argument{children};
  ARROW_ASSIGN_OR_RAISE(auto result,
                        kernel(std::span(&argument, 1), children->length(), context, child_errors));
  for (const RowError& error : child_errors.errors()) {
    if (constant)
      errors.AddToAll(error.text);
    else
      errors.Add(row_of(error.row), error.text);
  }
  return result.array;
}

/// The row of a list whose elements hold `child`.
int64_t ListRow(const arrow::ListArray& list, int64_t child) {
  int64_t row = 0;
  while (list.value_offset(row + 1) <= child) ++row;
  return row;
}

/// ARRAY and MAP: the elements are cast, the offsets stay.
ScalarKernel ListCast(ScalarKernel element, std::shared_ptr<arrow::DataType> type) {
  return [element = std::move(element), type = std::move(type)](
             std::span<const ColumnValue> arguments, int64_t, const EvalContext& context,
             RowErrors& errors) -> Result<ColumnValue> {
    const auto& list = static_cast<const arrow::ListArray&>(*arguments[0].array);
    const auto row_of = [&](int64_t child) { return ListRow(list, child); };
    ARROW_ASSIGN_OR_RAISE(auto values, CastChildren(element, list.values(), arguments[0].constant,
                                                    row_of, context, errors));
    auto data = list.data()->Copy();
    data->type = type;
    data->child_data = {values->data()};
    return ColumnValue{arrow::MakeArray(data), arguments[0].constant};
  };
}

ScalarKernel StructCast(std::vector<ScalarKernel> fields, std::shared_ptr<arrow::DataType> type) {
  return [fields = std::move(fields), type = std::move(type)](
             std::span<const ColumnValue> arguments, int64_t, const EvalContext& context,
             RowErrors& errors) -> Result<ColumnValue> {
    const auto& row = static_cast<const arrow::StructArray&>(*arguments[0].array);
    auto data = row.data()->Copy();
    data->type = type;
    data->offset = 0;
    if (data->buffers[0] != nullptr) {
      ARROW_ASSIGN_OR_RAISE(
          data->buffers[0],
          arrow::internal::CopyBitmap(arrow::default_memory_pool(), row.null_bitmap_data(),
                                      row.offset(), row.length()));
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(auto values,
                            CastChildren(
                                fields[i], row.field(static_cast<int>(i)), arguments[0].constant,
                                [](int64_t child) { return child; }, context, errors));
      data->child_data[i] = values->data();
    }
    return ColumnValue{arrow::MakeArray(data), arguments[0].constant};
  };
}

/// Texts of a nested value's children, joined: "[1, NULL]", "{a=1}", "(1, x)".
class NestedText {
 public:
  static Result<ScalarKernel> Make(const SqlType& from, const SqlType& to) {
    std::vector<ScalarKernel> parts;
    for (const SqlField& field : from.fields()) {
      ARROW_ASSIGN_OR_RAISE(parts.emplace_back(), MakeCast(field.type, SqlType::String(), false));
    }
    ARROW_ASSIGN_OR_RAISE(auto fit, MakeCast(SqlType::String(), to, false));
    return ScalarKernel([kind = from.kind(), parts = std::move(parts), fit = std::move(fit)](
                            std::span<const ColumnValue> arguments, int64_t rows,
                            const EvalContext& context, RowErrors& errors) -> Result<ColumnValue> {
      const arrow::Array& array = *arguments[0].array;
      std::vector<std::shared_ptr<arrow::Array>> children;
      if (kind == TypeKind::kRow) {
        ARROW_ASSIGN_OR_RAISE(children, static_cast<const arrow::StructArray&>(array).Flatten());
      } else if (kind == TypeKind::kMap) {
        const auto& map = static_cast<const arrow::MapArray&>(array);
        children = {map.keys(), map.items()};
      } else {
        children = {static_cast<const arrow::ListArray&>(array).values()};
      }
      std::vector<std::shared_ptr<arrow::StringArray>> texts;
      for (size_t i = 0; i < children.size(); ++i) {
        const ColumnValue child{children[i]};
        RowErrors none(child.array->length());
        ARROW_ASSIGN_OR_RAISE(auto text,
                              parts[i](std::span(&child, 1), child.array->length(), context, none));
        texts.push_back(std::static_pointer_cast<arrow::StringArray>(text.array));
      }
      arrow::StringBuilder builder;
      for (int64_t row = 0; row < array.length(); ++row) {
        if (array.IsNull(row)) {
          ARROW_RETURN_NOT_OK(builder.AppendNull());
        } else {
          ARROW_RETURN_NOT_OK(builder.Append(Join(kind, array, texts, row)));
        }
      }
      ARROW_ASSIGN_OR_RAISE(auto joined, builder.Finish());
      const ColumnValue value{joined, arguments[0].constant};
      return fit(std::span(&value, 1), rows, context, errors);
    });
  }

 private:
  static std::string TextAt(const arrow::StringArray& texts, int64_t at) {
    return texts.IsNull(at) ? "NULL" : texts.GetString(at);
  }

  static std::string Join(TypeKind kind, const arrow::Array& array,
                          const std::vector<std::shared_ptr<arrow::StringArray>>& texts,
                          int64_t row) {
    std::string out;
    const auto comma = [&] {
      if (out.size() > 1) out += ", ";
    };
    if (kind == TypeKind::kRow) {
      out = "(";
      for (size_t i = 0; i < texts.size(); ++i) {
        if (i > 0) out += ", ";
        out += TextAt(*texts[i], row);
      }
      return out + ")";
    }
    const auto& list = static_cast<const arrow::ListArray&>(array);
    const bool map = kind == TypeKind::kMap;
    out = map ? "{" : "[";
    for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
      comma();
      out += TextAt(*texts[0], i);
      if (map) out += "=" + TextAt(*texts[1], i);
    }
    return out + (map ? "}" : "]");
  }
};

Result<ScalarKernel> NestedCast(const SqlType& from, const SqlType& to, bool try_cast) {
  std::vector<ScalarKernel> parts;
  for (size_t i = 0; i < from.fields().size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(parts.emplace_back(),
                          MakeCast(from.fields()[i].type, to.fields()[i].type, try_cast));
  }
  const auto type = to.ToArrow();
  if (to.kind() == TypeKind::kRow) return StructCast(std::move(parts), type);
  if (to.kind() == TypeKind::kArray) return ListCast(std::move(parts[0]), type);
  // A map's entries are a struct of key and value.
  return ListCast(
      StructCast(std::move(parts), static_cast<const arrow::MapType&>(*type).value_type()), type);
}

Result<ScalarKernel> NullCast(const SqlType& to) {
  return ScalarKernel([type = to.ToArrow()](std::span<const ColumnValue>, int64_t,
                                            const EvalContext&, RowErrors&) -> Result<ColumnValue> {
    ARROW_ASSIGN_OR_RAISE(auto null, arrow::MakeArrayOfNull(type, 1));
    return ColumnValue{null, true};
  });
}

ScalarKernel Unchanged() {
  return [](std::span<const ColumnValue> arguments, int64_t, const EvalContext&,
            RowErrors&) -> Result<ColumnValue> { return arguments[0]; };
}

}  // namespace

bool CastCanFail(const SqlType& from, const SqlType& to) {
  if (from.is_nested() && from.kind() == to.kind()) {
    for (size_t i = 0; i < from.fields().size(); ++i) {
      if (CastCanFail(from.fields()[i].type, to.fields()[i].type)) return true;
    }
    return false;
  }
  return from.is_string() && !to.is_string() && !to.is_binary();
}

Result<ScalarKernel> MakeCast(const SqlType& from, const SqlType& to, bool try_cast) {
  if (!CanCast(from, to)) {
    return Error::User("cannot cast " + from.AsNullable().ToString() + " to " +
                       to.AsNullable().ToString())
        .Hint("cast to STRING first, or choose another type");
  }
  if (from.is_null()) return NullCast(to);
  const bool lengthened = to.kind() == TypeKind::kChar || to.kind() == TypeKind::kBinary;
  if (from.EqualsIgnoringNullability(to) && !lengthened) return Unchanged();
  ScalarKernel kernel;
  if (from.is_nested() && to.is_string()) return NestedText::Make(from, to);
  if (from.is_nested()) return NestedCast(from, to, try_cast);
  if (to.is_string()) {
    if (from.is_string() && to.length() == SqlType::kMaxLength) return Unchanged();
    kernel = cast::CastToText(from, to);
  } else if (from.is_string()) {
    kernel = cast::CastFromText(from, to, try_cast);
  } else if (from.is_binary()) {
    kernel = cast::CastToText(from, to);
  } else if (from.is_temporal()) {
    kernel = cast::TemporalCast(from, to);
  } else {
    kernel = cast::NumericCast(from, to);
  }
  if (!kernel) {
    return Error::Internal("no kernel casts " + from.ToString() + " to " + to.ToString());
  }
  return kernel;
}

}  // namespace millrace
