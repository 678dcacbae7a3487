// The operations on blocks. Each kernel is instantiated for vectors and literals, so that its loop
// is plain and the compiler vectorises it.
#pragma GCC optimize("O3", "no-math-errno", "no-trapping-math")

#include <array>
#include <cstring>
#include <string>
#include <type_traits>
#include <unordered_map>

#include "expr/block.h"
#include "expr/block_arithmetic.h"

namespace millrace::expr {
namespace {

template <class T>
const T* In(const BlockValue& value) {
  return static_cast<const T*>(value.values);
}
template <class T>
T* Out(BlockValue* value) {
  return static_cast<T*>(value->values);
}

template <class Op, class T>
using ResultOf = decltype(Op::Do(std::declval<T>()));
template <class Op, class T>
using BinaryResultOf = decltype(Op::Do(std::declval<T>(), std::declval<T>()));

template <class Op, class T>
void Unary(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  const T* __restrict x = In<T>(arguments[0]);
  auto* __restrict o = Out<ResultOf<Op, T>>(out);
  for (int64_t i = 0; i < rows; ++i) o[i] = Op::Do(x[i]);
}

template <class Op, class T, bool scalar_a, bool scalar_b>
void Binary(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  const T* __restrict x = In<T>(arguments[0]);
  const T* __restrict y = In<T>(arguments[1]);
  auto* __restrict o = Out<BinaryResultOf<Op, T>>(out);
  const T x0 = x[0];
  const T y0 = y[0];
  for (int64_t i = 0; i < rows; ++i) o[i] = Op::Do(scalar_a ? x0 : x[i], scalar_b ? y0 : y[i]);
}

template <class Op, class T>
BlockKernel BinaryKernel(std::span<const uint8_t> scalar) {
  if (scalar[0] != 0) return Binary<Op, T, true, false>;
  if (scalar[1] != 0) return Binary<Op, T, false, true>;
  return Binary<Op, T, false, false>;
}

// Kernels that look at NULLs. `out->valid` is there where any argument can be NULL.

template <class T>
void Copy(int64_t rows, const BlockValue& from, bool scalar, T* __restrict to) {
  const T* __restrict x = In<T>(from);
  if (scalar) {
    for (int64_t i = 0; i < rows; ++i) to[i] = x[0];
  } else {
    for (int64_t i = 0; i < rows; ++i) to[i] = x[i];
  }
}

template <class T, bool scalar_then, bool scalar_else>
void Select(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  const uint8_t* __restrict when = In<uint8_t>(arguments[0]);
  const T* __restrict x = In<T>(arguments[1]);
  const T* __restrict y = In<T>(arguments[2]);
  T* __restrict o = Out<T>(out);
  const T x0 = x[0];
  const T y0 = y[0];
  const uint8_t* __restrict known = arguments[0].valid;
  if (known == nullptr) {
    for (int64_t i = 0; i < rows; ++i) {
      const T a = scalar_then ? x0 : x[i];
      const T b = scalar_else ? y0 : y[i];
      o[i] = when[i] != 0 ? a : b;
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      const T a = scalar_then ? x0 : x[i];
      const T b = scalar_else ? y0 : y[i];
      o[i] = (when[i] & known[i]) != 0 ? a : b;
    }
  }
  if (out->valid == nullptr) return;
  const uint8_t* then_valid = arguments[1].valid;
  const uint8_t* else_valid = arguments[2].valid;
  for (int64_t i = 0; i < rows; ++i) {
    const bool chosen = when[i] != 0 && (known == nullptr || known[i] != 0);
    const uint8_t* valid = chosen ? then_valid : else_valid;
    out->valid[i] = valid == nullptr ? 1 : valid[i];
  }
}

template <class T>
BlockKernel SelectKernel(std::span<const uint8_t> scalar) {
  if (scalar[1] != 0) return scalar[2] != 0 ? Select<T, true, true> : Select<T, true, false>;
  return scalar[2] != 0 ? Select<T, false, true> : Select<T, false, false>;
}

template <class T, bool scalar_a, bool scalar_b>
void Coalesce(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  const T* __restrict x = In<T>(arguments[0]);
  const T* __restrict y = In<T>(arguments[1]);
  T* __restrict o = Out<T>(out);
  const uint8_t* a = arguments[0].valid;
  const uint8_t* b = arguments[1].valid;
  if (a == nullptr) {
    Copy(rows, arguments[0], scalar_a, o);
    if (out->valid != nullptr) std::memset(out->valid, 1, static_cast<size_t>(rows));
    return;
  }
  for (int64_t i = 0; i < rows; ++i) {
    o[i] = a[i] != 0 ? x[scalar_a ? 0 : i] : y[scalar_b ? 0 : i];
  }
  for (int64_t i = 0; i < rows; ++i) out->valid[i] = a[i] | (b == nullptr ? 1 : b[i]);
}

template <class T>
BlockKernel CoalesceKernel(std::span<const uint8_t> scalar) {
  if (scalar[0] != 0) return scalar[1] != 0 ? Coalesce<T, true, true> : Coalesce<T, true, false>;
  return scalar[1] != 0 ? Coalesce<T, false, true> : Coalesce<T, false, false>;
}

/// AND where `deciding` is 0, OR where it is 1: a deciding argument settles the result even beside
/// NULL.
template <uint8_t deciding, bool scalar_a, bool scalar_b>
void Junction(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  const uint8_t* __restrict x = In<uint8_t>(arguments[0]);
  const uint8_t* __restrict y = In<uint8_t>(arguments[1]);
  uint8_t* __restrict o = Out<uint8_t>(out);
  if (out->valid == nullptr) {
    for (int64_t i = 0; i < rows; ++i) {
      const uint8_t a = x[scalar_a ? 0 : i];
      const uint8_t b = y[scalar_b ? 0 : i];
      o[i] = deciding == 0 ? (a & b) : (a | b);
    }
    return;
  }
  const uint8_t* a_valid = arguments[0].valid;
  const uint8_t* b_valid = arguments[1].valid;
  for (int64_t i = 0; i < rows; ++i) {
    const uint8_t known_a = a_valid == nullptr ? 1 : a_valid[i];
    const uint8_t known_b = b_valid == nullptr ? 1 : b_valid[i];
    const uint8_t a = x[scalar_a ? 0 : i];
    const uint8_t b = y[scalar_b ? 0 : i];
    const uint8_t decided =
        static_cast<uint8_t>((known_a & (a == deciding)) | (known_b & (b == deciding)));
    o[i] = decided != 0 ? deciding : deciding ^ 1;
    out->valid[i] = decided | (known_a & known_b);
  }
}

template <uint8_t deciding>
BlockKernel JunctionKernel(std::span<const uint8_t> scalar) {
  if (scalar[0] != 0) return Junction<deciding, true, false>;
  if (scalar[1] != 0) return Junction<deciding, false, true>;
  return Junction<deciding, false, false>;
}

template <bool null>
void IsNull(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  uint8_t* __restrict o = Out<uint8_t>(out);
  const uint8_t* __restrict valid = arguments[0].valid;
  if (valid == nullptr) {
    std::memset(o, null ? 0 : 1, static_cast<size_t>(rows));
    return;
  }
  for (int64_t i = 0; i < rows; ++i) o[i] = null ? valid[i] ^ 1 : valid[i];
}

/// IS [NOT] TRUE, IS [NOT] FALSE.
template <uint8_t wanted, bool negated>
void IsBool(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  const uint8_t* __restrict x = In<uint8_t>(arguments[0]);
  uint8_t* __restrict o = Out<uint8_t>(out);
  const uint8_t* valid = arguments[0].valid;
  for (int64_t i = 0; i < rows; ++i) {
    const auto is = static_cast<uint8_t>(x[i] == wanted && (valid == nullptr || valid[i] != 0));
    o[i] = negated ? is ^ 1 : is;
  }
}

template <class T, bool distinct, bool scalar_a, bool scalar_b>
void Distinct(int64_t rows, const BlockValue* arguments, BlockValue* out) {
  const T* __restrict x = In<T>(arguments[0]);
  const T* __restrict y = In<T>(arguments[1]);
  uint8_t* __restrict o = Out<uint8_t>(out);
  const uint8_t* a = arguments[0].valid;
  const uint8_t* b = arguments[1].valid;
  for (int64_t i = 0; i < rows; ++i) {
    const bool known_a = a == nullptr || a[i] != 0;
    const bool known_b = b == nullptr || b[i] != 0;
    const bool same =
        known_a && known_b ? x[scalar_a ? 0 : i] == y[scalar_b ? 0 : i] : known_a == known_b;
    o[i] = static_cast<uint8_t>(distinct ? !same : same);
  }
}

template <class T, bool distinct>
BlockKernel DistinctKernel(std::span<const uint8_t> scalar) {
  if (scalar[0] != 0) return Distinct<T, distinct, true, false>;
  if (scalar[1] != 0) return Distinct<T, distinct, false, true>;
  return Distinct<T, distinct, false, false>;
}

/// Calls `f` with a value of the C type of `type`.
template <class F>
BlockKernel Dispatch(BlockType type, F f) {
  switch (type) {
    case BlockType::kBool:
      return f(uint8_t{});
    case BlockType::kInt8:
      return f(int8_t{});
    case BlockType::kInt16:
      return f(int16_t{});
    case BlockType::kInt32:
      return f(int32_t{});
    case BlockType::kInt64:
      return f(int64_t{});
    case BlockType::kFloat:
      return f(float{});
    case BlockType::kDouble:
      return f(double{});
  }
  return nullptr;
}

using Chooser = BlockKernel (*)(BlockType type, std::span<const uint8_t> scalar);
template <class Op>
BlockKernel ChooseBinary(BlockType type, std::span<const uint8_t> scalar) {
  return Dispatch(type, [&]<class T>(T) { return BinaryKernel<Op, T>(scalar); });
}
template <class Op>
BlockKernel ChooseUnary(BlockType type, std::span<const uint8_t>) {
  return Dispatch(type, []<class T>(T) -> BlockKernel { return Unary<Op, T>; });
}
template <class Op>
BlockKernel ChooseDouble(BlockType type, std::span<const uint8_t>) {
  return type == BlockType::kDouble ? Unary<Op, double> : nullptr;
}
template <class Op>
BlockKernel ChooseDoubles(BlockType type, std::span<const uint8_t> scalar) {
  return type == BlockType::kDouble ? BinaryKernel<Op, double>(scalar) : nullptr;
}
BlockKernel ChooseLog(BlockType type, std::span<const uint8_t> scalar) {
  return scalar.size() == 1 ? ChooseDouble<Ln>(type, scalar) : ChooseDoubles<LogBase>(type, scalar);
}

struct Entry {
  Chooser choose;
  size_t arguments;
  enum { kNumeric, kComparable } takes;
};

const std::unordered_map<std::string_view, Entry>& StrictOps() {
  static const std::unordered_map<std::string_view, Entry> kOps{
      {"+", {ChooseBinary<Plus>, 2, Entry::kNumeric}},
      {"-", {ChooseBinary<Minus>, 2, Entry::kNumeric}},
      {"*", {ChooseBinary<Times>, 2, Entry::kNumeric}},
      {"/", {ChooseBinary<Divide>, 2, Entry::kNumeric}},
      {"%", {ChooseBinary<Remainder>, 2, Entry::kNumeric}},
      {"=", {ChooseBinary<Equals>, 2, Entry::kComparable}},
      {"<>", {ChooseBinary<NotEquals>, 2, Entry::kComparable}},
      {"<", {ChooseBinary<Less>, 2, Entry::kComparable}},
      {"<=", {ChooseBinary<LessOrEquals>, 2, Entry::kComparable}},
      {">", {ChooseBinary<Greater>, 2, Entry::kComparable}},
      {">=", {ChooseBinary<GreaterOrEquals>, 2, Entry::kComparable}},
      {"GREATEST", {ChooseBinary<Greatest>, 2, Entry::kComparable}},
      {"LEAST", {ChooseBinary<Least>, 2, Entry::kComparable}},
      {"NEGATE", {ChooseUnary<Negate>, 1, Entry::kNumeric}},
      {"ABS", {ChooseUnary<Abs>, 1, Entry::kNumeric}},
      {"SIGN", {ChooseUnary<Sign>, 1, Entry::kNumeric}},
      {"FLOOR", {ChooseUnary<Floor>, 1, Entry::kNumeric}},
      {"CEIL", {ChooseUnary<Ceil>, 1, Entry::kNumeric}},
      {"SQRT", {ChooseDouble<Sqrt>, 1, Entry::kNumeric}},
      {"LN", {ChooseDouble<Ln>, 1, Entry::kNumeric}},
      {"LOG", {ChooseLog, 0, Entry::kNumeric}},
      {"LOG10", {ChooseDouble<Log10>, 1, Entry::kNumeric}},
      {"LOG2", {ChooseDouble<Log2>, 1, Entry::kNumeric}},
      {"LOG1P", {ChooseDouble<Log1p>, 1, Entry::kNumeric}},
      {"EXP", {ChooseDouble<Exp>, 1, Entry::kNumeric}},
      {"SIN", {ChooseDouble<Sin>, 1, Entry::kNumeric}},
      {"COS", {ChooseDouble<Cos>, 1, Entry::kNumeric}},
      {"TAN", {ChooseDouble<Tan>, 1, Entry::kNumeric}},
      {"COT", {ChooseDouble<Cot>, 1, Entry::kNumeric}},
      {"ASIN", {ChooseDouble<Asin>, 1, Entry::kNumeric}},
      {"ACOS", {ChooseDouble<Acos>, 1, Entry::kNumeric}},
      {"ATAN", {ChooseDouble<Atan>, 1, Entry::kNumeric}},
      {"SINH", {ChooseDouble<Sinh>, 1, Entry::kNumeric}},
      {"COSH", {ChooseDouble<Cosh>, 1, Entry::kNumeric}},
      {"TANH", {ChooseDouble<Tanh>, 1, Entry::kNumeric}},
      {"DEGREES", {ChooseDouble<Degrees>, 1, Entry::kNumeric}},
      {"RADIANS", {ChooseDouble<Radians>, 1, Entry::kNumeric}},
      {"POWER", {ChooseDoubles<Power>, 2, Entry::kNumeric}},
      {"ATAN2", {ChooseDoubles<Atan2>, 2, Entry::kNumeric}},
  };
  return kOps;
}

std::optional<BlockOp> FindStrict(const BlockCall& call, const Entry& entry) {
  const size_t count = call.arguments.size();
  if (entry.arguments != 0 && count != entry.arguments) return std::nullopt;
  const SqlType& first = call.arguments[0];
  for (const SqlType& type : call.arguments) {
    if (type.kind() != first.kind()) return std::nullopt;
    if (entry.takes == Entry::kNumeric && !type.is_numeric()) return std::nullopt;
  }
  const bool divides = call.function == "/" || call.function == "%";
  if (divides && first.is_integer() && !call.safe_divisor) return std::nullopt;
  const auto type = BlockTypeOf(first);
  if (!type) return std::nullopt;
  const BlockKernel kernel = entry.choose(*type, call.scalar);
  if (kernel == nullptr) return std::nullopt;
  return BlockOp{kernel};
}

std::optional<BlockOp> FindCast(const BlockCall& call) {
  const SqlType& from = call.arguments[0];
  const auto plain = [](const SqlType& type) {
    return type.is_integer() || type.is_approximate() || type.kind() == TypeKind::kBoolean;
  };
  if (!plain(from) || !plain(call.type)) return std::nullopt;
  const bool to_bool = call.type.kind() == TypeKind::kBoolean;
  return BlockOp{Dispatch(*BlockTypeOf(from), [&]<class From>(From) -> BlockKernel {
    if (to_bool) return Unary<CastToBool<From>, From>;
    return Dispatch(*BlockTypeOf(call.type),
                    []<class To>(To) -> BlockKernel { return Unary<Cast<From, To>, From>; });
  })};
}

}  // namespace

std::optional<BlockOp> FindBlockOp(const BlockCall& call) {
  const auto& function = call.function;
  const size_t count = call.arguments.size();
  const auto type = BlockTypeOf(call.type);
  if (!type || count == 0) return std::nullopt;
  for (const SqlType& argument : call.arguments) {
    if (!BlockTypeOf(argument)) return std::nullopt;
  }
  if (const auto found = StrictOps().find(function); found != StrictOps().end()) {
    return FindStrict(call, found->second);
  }
  const BlockType first = *BlockTypeOf(call.arguments[0]);
  if (function == "CAST" || function == "TRY_CAST") return FindCast(call);
  if (function == "NOT") return BlockOp{Unary<Not, uint8_t>};
  if (function == "AND" && count == 2) return BlockOp{JunctionKernel<0>(call.scalar), false};
  if (function == "OR" && count == 2) return BlockOp{JunctionKernel<1>(call.scalar), false};
  if (function == "CASE" && count == 3) {
    return BlockOp{Dispatch(*type, [&]<class T>(T) { return SelectKernel<T>(call.scalar); }),
                   false};
  }
  if (function == "COALESCE" && count == 2) {
    return BlockOp{Dispatch(*type, [&]<class T>(T) { return CoalesceKernel<T>(call.scalar); }),
                   false};
  }
  if (function == "IS NULL") return BlockOp{IsNull<true>, false, true};
  if (function == "IS NOT NULL") return BlockOp{IsNull<false>, false, true};
  if (function == "IS UNKNOWN") return BlockOp{IsNull<true>, false, true};
  if (function == "IS NOT UNKNOWN") return BlockOp{IsNull<false>, false, true};
  if (function == "IS TRUE") return BlockOp{IsBool<1, false>, false, true};
  if (function == "IS NOT TRUE") return BlockOp{IsBool<1, true>, false, true};
  if (function == "IS FALSE") return BlockOp{IsBool<0, false>, false, true};
  if (function == "IS NOT FALSE") return BlockOp{IsBool<0, true>, false, true};
  const bool distinct = function == "IS DISTINCT FROM";
  if (distinct || function == "IS NOT DISTINCT FROM") {
    if (call.arguments[0].kind() != call.arguments[1].kind()) return std::nullopt;
    return BlockOp{Dispatch(first,
                            [&]<class T>(T) {
                              return distinct ? DistinctKernel<T, true>(call.scalar)
                                              : DistinctKernel<T, false>(call.scalar);
                            }),
                   false, true};
  }
  return std::nullopt;
}

}  // namespace millrace::expr
