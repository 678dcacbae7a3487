#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <arrow/api.h>
#include <arrow/util/bit_util.h>

#include "spi/function.h"
#include "types/sql_type.h"

/// Kernels from functions of one row's values. The function is inlined into a loop over raw
/// columns: no virtual call, no allocation per row. For .cc files of expr and functions.
namespace millrace {

/// A decimal's digits; the scale is its type's.
using Int128 = __int128;

/// What a row function may use beside its arguments.
class RowScope {
 public:
  RowScope(const EvalContext& context, RowErrors& errors) : context_(context), errors_(errors) {}

  const EvalContext& context() const { return context_; }
  /// `return row.Fail("division by zero");`
  std::nullopt_t Fail(std::string text) {
    if (row_ < 0)
      errors_.AddToAll(text);
    else
      errors_.Add(row_, std::move(text));
    return std::nullopt;
  }
  void MoveTo(int64_t row) { row_ = row; }

 private:
  const EvalContext& context_;
  RowErrors& errors_;
  int64_t row_ = -1;  ///< -1: the arguments are constant
};

/// Reads a column by row; `T` is bool, a C number, Int128 or std::string_view.
template <class T>
class ColumnReader {
 public:
  explicit ColumnReader(const ColumnValue& value)
      : values_(value.array->data()->GetValues<T>(1)), stride_(value.constant ? 0 : 1) {}
  T operator[](int64_t row) const { return values_[row * stride_]; }

 private:
  const T* values_;
  int64_t stride_;
};

template <>
class ColumnReader<bool> {
 public:
  explicit ColumnReader(const ColumnValue& value)
      : bits_(value.array->data()->buffers[1]->data()),
        offset_(value.array->offset()),
        stride_(value.constant ? 0 : 1) {}
  bool operator[](int64_t row) const {
    return arrow::bit_util::GetBit(bits_, offset_ + row * stride_);
  }

 private:
  const uint8_t* bits_;
  int64_t offset_;
  int64_t stride_;
};

template <>
class ColumnReader<Int128> {
 public:
  explicit ColumnReader(const ColumnValue& value)
      : bytes_(value.array->data()->buffers[1]->data() + value.array->offset() * 16),
        stride_(value.constant ? 0 : 16) {}
  Int128 operator[](int64_t row) const {
    Int128 value;
    std::memcpy(&value, bytes_ + row * stride_, 16);
    return value;
  }

 private:
  const uint8_t* bytes_;
  int64_t stride_;
};

template <>
class ColumnReader<std::string_view> {
 public:
  explicit ColumnReader(const ColumnValue& value)
      : offsets_(value.array->data()->GetValues<int32_t>(1)),
        bytes_(value.array->data()->buffers[2] == nullptr
                   ? nullptr
                   : reinterpret_cast<const char*>(value.array->data()->buffers[2]->data())),
        stride_(value.constant ? 0 : 1) {}
  std::string_view operator[](int64_t row) const {
    const int64_t at = row * stride_;
    return {bytes_ + offsets_[at], static_cast<size_t>(offsets_[at + 1] - offsets_[at])};
  }

 private:
  const int32_t* offsets_;
  const char* bytes_;
  int64_t stride_;
};

/// Tells which rows have a NULL argument.
class NullReader {
 public:
  explicit NullReader(std::span<const ColumnValue> arguments) {
    for (const ColumnValue& argument : arguments) {
      if (argument.array->null_count() > 0) nullable_.push_back(&argument);
    }
  }
  bool never() const { return nullable_.empty(); }
  bool operator[](int64_t row) const {
    for (const ColumnValue* argument : nullable_) {
      if (argument->array->IsNull(argument->constant ? 0 : row)) return true;
    }
    return false;
  }

 private:
  std::vector<const ColumnValue*> nullable_;
};

/// Collects a column row by row. `T`: bool, a C number, Int128, or std::string for text and binary.
template <class T>
class ColumnWriter {
 public:
  ColumnWriter(std::shared_ptr<arrow::DataType> type, int64_t rows)
      : type_(std::move(type)), rows_(rows) {}

  Status Open() {
    ARROW_ASSIGN_OR_RAISE(buffer_, arrow::AllocateBuffer(rows_ * static_cast<int64_t>(sizeof(T))));
    values_ = reinterpret_cast<T*>(buffer_->mutable_data());
    return Status::OK();
  }
  void Append(T value) { std::memcpy(values_ + row_++, &value, sizeof(T)); }
  Status AppendNull() {
    if (validity_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(validity_, arrow::AllocateBitmap(rows_));
      std::memset(validity_->mutable_data(), 0xff, static_cast<size_t>(validity_->size()));
    }
    arrow::bit_util::ClearBit(validity_->mutable_data(), row_);
    ++nulls_;
    Append(T{});
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Finish() {
    return arrow::MakeArray(arrow::ArrayData::Make(type_, rows_, {validity_, buffer_}, nulls_));
  }

 private:
  std::shared_ptr<arrow::DataType> type_;
  int64_t rows_;
  int64_t row_ = 0;
  int64_t nulls_ = 0;
  T* values_ = nullptr;
  std::shared_ptr<arrow::Buffer> buffer_;
  std::shared_ptr<arrow::Buffer> validity_;
};

template <>
class ColumnWriter<bool> {
 public:
  ColumnWriter(const std::shared_ptr<arrow::DataType>&, int64_t rows) : rows_(rows) {}
  Status Open() { return builder_.Reserve(rows_); }
  void Append(bool value) { builder_.UnsafeAppend(value); }
  Status AppendNull() {
    builder_.UnsafeAppendNull();
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Finish() { return builder_.Finish(); }

 private:
  int64_t rows_;
  arrow::BooleanBuilder builder_;
};

template <>
class ColumnWriter<std::string> {
 public:
  ColumnWriter(const std::shared_ptr<arrow::DataType>& type, int64_t rows)
      : rows_(rows), builder_(type, arrow::default_memory_pool()) {}
  Status Open() { return builder_.Reserve(rows_); }
  Status Append(std::string_view value) { return builder_.Append(value); }
  Status AppendNull() {
    builder_.UnsafeAppendNull();
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Finish() { return builder_.Finish(); }

 private:
  /// Builds utf8 or binary by the type it is given.
  class Builder : public arrow::BaseBinaryBuilder<arrow::BinaryType> {
   public:
    Builder(std::shared_ptr<arrow::DataType> type, arrow::MemoryPool* pool)
        : BaseBinaryBuilder(pool), type_(std::move(type)) {}
    std::shared_ptr<arrow::DataType> type() const override { return type_; }

   private:
    std::shared_ptr<arrow::DataType> type_;
  };

  int64_t rows_;
  Builder builder_;
};

namespace internal {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// Calls `f` with the scope and the text to append to where it takes them.
template <class F, class... Args>
auto CallRow(F& f, RowScope& row, std::string& text, Args... args) {
  if constexpr (std::is_invocable_v<F&, RowScope&, Args..., std::string&>)
    return f(row, args..., text);
  else if constexpr (std::is_invocable_v<F&, Args..., std::string&>)
    return f(args..., text);
  else if constexpr (std::is_invocable_v<F&, RowScope&, Args...>)
    return f(row, args...);
  else
    return f(args...);
}

}  // namespace internal

/// A kernel of `f(arguments…)`, NULL where an argument is NULL. `f` returns `Out` or
/// std::optional<Out>, and may take a `RowScope&` first. For text (`Out` is std::string) it appends
/// to a last parameter `std::string&` and returns nothing, bool (false: NULL) or
/// std::optional<bool>; or it returns a std::string_view of an argument's bytes.
template <class Out, class... In, class F>
ScalarKernel RowKernel(const SqlType& type, F function) {
  return [type = type.ToArrow(), function](std::span<const ColumnValue> arguments, int64_t rows,
                                           const EvalContext& context,
                                           RowErrors& errors) -> Result<ColumnValue> {
    auto f = function;
    bool constant = sizeof...(In) > 0;
    for (const ColumnValue& argument : arguments) constant = constant && argument.constant;
    const int64_t count = constant ? 1 : rows;
    const auto readers = [&]<size_t... I>(std::index_sequence<I...>) {
      return std::tuple<ColumnReader<In>...>{ColumnReader<In>(arguments[I])...};
    }(std::index_sequence_for<In...>{});
    const NullReader nulls(arguments);
    ColumnWriter<Out> writer(type, count);
    ARROW_RETURN_NOT_OK(writer.Open());
    RowScope scope(context, errors);
    std::string text;
    for (int64_t row = 0; row < count; ++row) {
      if (nulls[row] || (!constant && !errors.IsActive(row))) {
        ARROW_RETURN_NOT_OK(writer.AppendNull());
        continue;
      }
      if (!constant) scope.MoveTo(row);
      text.clear();
      const auto call = [&](const auto&... reader) {
        return internal::CallRow(f, scope, text, reader[row]...);
      };
      using Returned = decltype(std::apply(call, readers));
      if constexpr (std::is_void_v<Returned>) {
        std::apply(call, readers);
        ARROW_RETURN_NOT_OK(writer.Append(text));
      } else {
        auto value = std::apply(call, readers);
        bool present = true;
        if constexpr (internal::IsOptional<Returned>::value) present = value.has_value();
        if constexpr (std::is_same_v<Out, std::string>) {
          if constexpr (std::is_same_v<Returned, bool>) present = value;
          if constexpr (std::is_same_v<Returned, std::optional<bool>>) present = present && *value;
          std::string_view bytes = text;
          if constexpr (std::is_same_v<Returned, std::string_view>) bytes = value;
          if constexpr (std::is_same_v<Returned, std::optional<std::string_view>>) {
            if (present) bytes = *value;
          }
          ARROW_RETURN_NOT_OK(present ? writer.Append(bytes) : writer.AppendNull());
        } else if (!present) {
          ARROW_RETURN_NOT_OK(writer.AppendNull());
        } else {
          if constexpr (internal::IsOptional<Returned>::value)
            writer.Append(*value);
          else
            writer.Append(value);
        }
      }
    }
    ARROW_ASSIGN_OR_RAISE(auto array, writer.Finish());
    return ColumnValue{std::move(array), constant};
  };
}

}  // namespace millrace
