# millrace_add_test(<name> LABEL unit|sql|e2e|... COMMAND <command...> [TIMEOUT <seconds>])
# A ctest that runs in the project's root. `./dev test` runs all in the release preset,
# and those labelled unit or sql under the sanitizers as well. A test that lacks something
# optional prints "SKIPPED: <what is missing and how to get it>" and exits with 77.

function(millrace_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "COMMAND")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES
    LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "MILLRACE_BUILD=${CMAKE_BINARY_DIR};MILLRACE_TEST_PYTHON=${MILLRACE_TEST_PYTHON};${millrace_sanitizer_options}")
endfunction()

# What the prebuilt libraries do is theirs: tools/*.supp says so to the sanitizers.
set(millrace_sanitizer_options
  "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
  "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tools/lsan.supp:print_suppressions=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tools/tsan.supp:second_deadlock_stack=1")
