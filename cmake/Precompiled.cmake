# Two shared precompiled headers: one for all layers, one for all their tests. They take
# Arrow from about 2.6 s to 1.0 s a file. Put a header here only when most files use it.

if(MILLRACE_FUZZ)
  # Fuzzers are few; a second compiler's header is not worth its build time.
  return()
endif()

set(millrace_pch_headers
    <algorithm> <array> <atomic> <chrono> <cstdint> <deque> <functional> <map> <memory> <mutex>
    <optional> <set> <span> <sstream> <string> <string_view> <unordered_map> <unordered_set>
    <utility> <variant> <vector>
    <arrow/api.h> <arrow/compute/api.h> <nlohmann/json.hpp>)

foreach(pch millrace_pch millrace_test_pch)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch/${pch}.cc CONTENT "// Carries a precompiled header.\n")
  add_library(${pch} OBJECT ${CMAKE_BINARY_DIR}/pch/${pch}.cc)
  target_link_libraries(${pch} PRIVATE Arrow::arrow nlohmann_json::nlohmann_json)
  target_precompile_headers(${pch} PRIVATE ${millrace_pch_headers})
endforeach()
target_link_libraries(millrace_test_pch PRIVATE GTest::gmock GTest::gtest)
target_precompile_headers(millrace_test_pch PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
# Optimising a unit test takes longer than running it: half of its compilation.
set(millrace_test_options -O0)
target_compile_options(millrace_test_pch PRIVATE ${millrace_test_options})
