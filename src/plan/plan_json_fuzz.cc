// Any plan that can be read is written so that it reads as the same plan again.
#include <cstdint>
#include <cstdlib>

#include "plan/physical_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto plan = millrace::PlanFromJson({reinterpret_cast<const char*>(data), size});
  if (!plan.ok()) return 0;
  const std::string written = millrace::ToJson(*plan);
  const auto again = millrace::PlanFromJson(written);
  if (!again.ok() || millrace::ToJson(*again) != written) std::abort();
  return 0;
}
