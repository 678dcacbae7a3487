#include "spi/model.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"

namespace millrace {
namespace {

Result<SqlType> ElementType(const TensorSpec& tensor) {
  using Named = std::pair<std::string_view, SqlType>;
  static const std::array kTypes = {
      Named{"BOOL", SqlType::Boolean()},        Named{"INT8", SqlType::TinyInt()},
      Named{"INT16", SqlType::SmallInt()},      Named{"INT32", SqlType::Int()},
      Named{"INT64", SqlType::BigInt()},        Named{"UINT8", SqlType::SmallInt()},
      Named{"UINT16", SqlType::Int()},          Named{"UINT32", SqlType::BigInt()},
      Named{"UINT64", SqlType::Decimal(20, 0)}, Named{"FP16", SqlType::Float()},
      Named{"BF16", SqlType::Float()},          Named{"FP32", SqlType::Float()},
      Named{"FP64", SqlType::Double()},         Named{"BYTES", SqlType::String()}};
  std::vector<std::string> names;
  for (const auto& [name, type] : kTypes) {
    if (name == tensor.datatype) return type;
    names.emplace_back(name);
  }
  return Error::User("the tensor '" + tensor.name + "' has the datatype '" + tensor.datatype +
                     "', which no SQL type holds")
      .Hint(Suggest(tensor.datatype, names));
}

SqlType Nested(SqlType element, size_t rank) {
  return rank == 0 ? element : SqlType::Array(Nested(std::move(element), rank - 1));
}

bool IsSingle(const TensorSpec& tensor) {
  return tensor.shape.empty() || (tensor.shape.size() == 1 && tensor.shape[0] == 1);
}

Result<SqlType> TypeOf(const TensorSpec& tensor) {
  ARROW_ASSIGN_OR_RAISE(SqlType element, ElementType(tensor));
  return IsSingle(tensor) ? element : Nested(std::move(element), tensor.shape.size());
}

/// Whether every value of `from` is one of `to`.
bool Widens(const SqlType& from, const SqlType& to) {
  if (from.kind() == TypeKind::kArray && to.kind() == TypeKind::kArray) {
    return Widens(from.element(), to.element());
  }
  if (from.is_string() && to.is_string()) return from.length() <= to.length();
  if (from.is_integer() && to.is_integer()) return from.kind() <= to.kind();
  if (from.is_approximate() && to.is_approximate()) return from.kind() <= to.kind();
  if (from.kind() == TypeKind::kDecimal && to.kind() == TypeKind::kDecimal) {
    return from.scale() <= to.scale() &&
           from.precision() - from.scale() <= to.precision() - to.scale();
  }
  return from.kind() == to.kind() && !from.is_nested();
}

std::string ShapeText(const TensorSpec& tensor) {
  std::string text = tensor.datatype + " of shape [";
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  }
  return text + ']';
}

/// One side of a model's declaration, being bound to its tensors.
class Binder {
 public:
  Binder(std::string_view model, std::string_view side, const Schema& declared,
         const std::vector<TensorSpec>& tensors)
      : model_(model),
        side_(side),
        is_input_(side == "INPUT"),
        declared_(declared),
        tensors_(tensors) {}

  Result<std::vector<TensorColumns>> Bind() const {
    if (IsPacked()) return BindPacked();
    if (declared_.size() == 1 && tensors_.size() == 1) {
      ARROW_RETURN_NOT_OK(CheckType(declared_.column(0), tensors_[0]));
      return std::vector<TensorColumns>{{0, {0}, false}};
    }
    return BindByName();
  }

 private:
  bool IsPacked() const {
    if (!is_input_ || tensors_.size() != 1 || tensors_[0].shape.size() != 1) return false;
    if (IsSingle(tensors_[0])) return false;
    for (const SqlField& column : declared_.columns()) {
      if (column.type.is_nested()) return false;
    }
    return true;
  }

  Result<std::vector<TensorColumns>> BindPacked() const {
    const TensorSpec& tensor = tensors_[0];
    const int64_t wanted = tensor.shape[0];
    ARROW_ASSIGN_OR_RAISE(const SqlType element, ElementType(tensor));
    if (wanted >= 0 && wanted != declared_.size()) {
      return Error::User(Subject() + " has " + std::to_string(declared_.size()) +
                         " columns, but the model's one tensor '" + tensor.name + "' takes " +
                         std::to_string(wanted) + " values")
          .Hint("declare " + std::to_string(wanted) + " " + element.ToString() +
                " columns in the order of the tensor, or one column " +
                SqlType::Array(element).ToString());
    }
    TensorColumns packed{0, {}, true};
    for (int i = 0; i < declared_.size(); ++i) {
      const SqlField& column = declared_.column(i);
      if (!Widens(column.type, element)) return Mismatch(column, tensor, element);
      packed.columns.push_back(i);
    }
    return std::vector<TensorColumns>{std::move(packed)};
  }

  Result<std::vector<TensorColumns>> BindByName() const {
    std::vector<std::string> names;
    for (const TensorSpec& tensor : tensors_) names.push_back(tensor.name);
    for (const SqlField& column : declared_.columns()) {
      if (std::find(names.begin(), names.end(), column.name) == names.end()) {
        return Error::User("the model '" + model_ + "' has no " + (is_input_ ? "input" : "output") +
                           " '" + column.name + "'")
            .Hint(Suggest(column.name, names));
      }
    }
    std::vector<TensorColumns> bound;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const int column = declared_.Find(tensors_[i].name);
      if (column >= 0) {
        ARROW_RETURN_NOT_OK(CheckType(declared_.column(column), tensors_[i]));
        bound.push_back({static_cast<int>(i), {column}, false});
      } else if (is_input_) {
        ARROW_ASSIGN_OR_RAISE(const SqlType type, TypeOf(tensors_[i]));
        return Error::User(Subject() + " lacks the model's input '" + tensors_[i].name + "'")
            .Hint("add " + QuoteIdentifier(tensors_[i].name) + ' ' + type.ToString());
      }
    }
    return bound;
  }

  Status CheckType(const SqlField& column, const TensorSpec& tensor) const {
    ARROW_ASSIGN_OR_RAISE(const SqlType type, TypeOf(tensor));
    const auto fits = [&](const SqlType& own) {
      return is_input_ ? Widens(column.type, own) : Widens(own, column.type);
    };
    // A tensor of one value may also be an array of one.
    const bool fits_array =
        tensor.shape.size() == 1 && IsSingle(tensor) && fits(SqlType::Array(type));
    return fits(type) || fits_array ? Status::OK() : Mismatch(column, tensor, type);
  }

  Status Mismatch(const SqlField& column, const TensorSpec& tensor, const SqlType& type) const {
    const std::string name = QuoteIdentifier(column.name);
    const bool same_rank = column.type.is_nested() == type.is_nested();
    std::string hint = "declare " + name + ' ' + type.ToString();
    if (is_input_ && same_rank) {
      hint += " and pass CAST(" + name + " AS " + type.ToString() + ')';
    } else if (same_rank) {
      hint += "; where " + column.type.AsNullable().ToString() + " is wanted, write CAST(" + name +
              " AS " + column.type.AsNullable().ToString() + ") in the query";
    }
    return Error::User(Subject() + " column '" + column.name + "' is " + column.type.ToString() +
                       ", but the model " + (is_input_ ? "takes " : "gives ") + ShapeText(tensor) +
                       ", which is " + type.ToString() + " in SQL")
        .Hint(std::move(hint));
  }

  std::string Subject() const { return "model '" + model_ + "': its " + side_; }

  const std::string model_, side_;
  const bool is_input_;
  const Schema& declared_;
  const std::vector<TensorSpec>& tensors_;
};

}  // namespace

Schema FailedRowsSchema(const Schema& input) {
  Schema failed = input;
  failed.Add("model", SqlType::String());
  failed.Add("version", SqlType::String());
  failed.Add("attempts", SqlType::Int());
  failed.Add("cause", SqlType::String());
  return failed;
}

Schema ShadowRowsSchema(const Schema& input, const PredictConfig& config) {
  Schema rows = input;
  for (const std::string prefix : {"", "shadow_"}) {
    for (size_t i = 0; i < config.names.size(); ++i) {
      rows.Add(prefix + config.names[i],
               config.model.output.column(static_cast<int>(i)).type.AsNullable());
    }
    rows.Add(prefix + "version", SqlType::String());
  }
  rows.Add("shadow_cause", SqlType::String());
  return rows;
}

Result<Schema> SchemaOf(const std::vector<TensorSpec>& tensors) {
  Schema schema;
  for (const TensorSpec& tensor : tensors) {
    ARROW_ASSIGN_OR_RAISE(SqlType type, TypeOf(tensor));
    schema.Add(tensor.name, std::move(type));
  }
  return schema;
}

Schema TensorInputs(const Schema& input, const ModelSignature& signature) {
  Schema tensors;
  for (const SqlField& column : input.columns()) {
    const auto& others = signature.row_columns;
    if (std::find(others.begin(), others.end(), column.name) == others.end()) {
      tensors.Add(column.name, column.type);
    }
  }
  return tensors;
}

Result<std::vector<TensorColumns>> BindColumns(std::string_view model, std::string_view side,
                                               const Schema& declared,
                                               const std::vector<TensorSpec>& tensors) {
  return Binder(model, side, declared, tensors).Bind();
}

Status CheckColumns(std::string_view model, std::string_view side, const Schema& declared,
                    const std::vector<TensorSpec>& tensors) {
  return BindColumns(model, side, declared, tensors).status();
}

}  // namespace millrace
