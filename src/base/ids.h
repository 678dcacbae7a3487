#pragma once

#include <cstdint>
#include <string>

namespace millrace {

/// Stable name of a plan node: from the view's name, the operator and its keys, or a STATE_ID hint.
using NodeId = std::string;

enum class StageId : int32_t {};
enum class ExchangeId : int32_t {};
enum class CheckpointId : int64_t {};
enum class KeyGroup : int32_t {};

template <class E>
constexpr auto Raw(E id) {
  return static_cast<std::underlying_type_t<E>>(id);
}

}  // namespace millrace
