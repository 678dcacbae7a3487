#pragma once

#include <iterator>
#include <string>
#include <string_view>

#include "plan/json.h"

namespace millrace::plan_json {

/// `kNames`: what the values of an enumeration are called, in their order.
template <class Enum>
struct EnumNames;

template <class Enum>
std::string NameOf(Enum value) {
  return std::string(EnumNames<Enum>::kNames[static_cast<size_t>(value)]);
}

/// A missing member keeps the value.
template <class Enum>
void ReadEnum(ObjectReader& reader, const char* key, Enum* value) {
  const std::string name = reader.String(key, NameOf(*value));
  std::string known;
  for (size_t i = 0; i < std::size(EnumNames<Enum>::kNames); ++i) {
    if (name == EnumNames<Enum>::kNames[i]) {
      *value = static_cast<Enum>(i);
      return;
    }
    known += (i == 0 ? "'" : ", '") + std::string(EnumNames<Enum>::kNames[i]) + '\'';
  }
  reader.Fail(key, "one of " + known + " is expected");
}

}  // namespace millrace::plan_json
