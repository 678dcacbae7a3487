#include <cstdint>
#include <string_view>

#include "models/pmml/test_score.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto program = millrace::pmml::Program::Compile(bytes, "fuzz");
  if (program.ok()) millrace::pmml::ScoreAnything(**program);
  return 0;
}
