# The layers of src/ as targets. For a layer <name>, from the files of src/<name>/**:
#   millrace_<name>   static library of *.cc
#   <name>_test       *_test.cc, one GoogleTest executable and one ctest "unit.<name>";
#                     linked only with the layer and what it depends on
#   <name>_bench      *_bench.cc, one Google Benchmark executable; built by the target `benchmarks` only
#   <file>.pb.h       from each <file>.proto, for the layer and what depends on it
#   <file>            each <file>_fuzz.cc, one libFuzzer executable; fuzz preset only
# A folder without sources yet is an empty target that passes its dependencies on.

function(millrace_use_pch target pch)
  if(TARGET ${pch})
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

function(millrace_executable target sources)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "PCH" "LIBS")
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE ${arg_LIBS})
  if(arg_PCH)
    millrace_use_pch(${target} ${arg_PCH})
  endif()
endfunction()

# The C++ of each *.proto of the folder, as <file>.pb.h for the target's own sources.
# What else reads them links with millrace_protos.
add_library(millrace_protos INTERFACE)
target_include_directories(millrace_protos SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/generated/proto)

function(millrace_protos target folder)
  file(GLOB_RECURSE protos CONFIGURE_DEPENDS ${folder}/*.proto)
  set(out ${CMAKE_BINARY_DIR}/generated/proto)
  foreach(proto ${protos})
    cmake_path(GET proto PARENT_PATH from)
    cmake_path(GET proto STEM stem)
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND protobuf::protoc --proto_path=${from} --cpp_out=${out} ${proto}
      DEPENDS ${proto} VERBATIM)
    target_sources(${target} PRIVATE ${out}/${stem}.pb.cc)
    set_source_files_properties(${out}/${stem}.pb.cc PROPERTIES
      COMPILE_OPTIONS "-w" SKIP_PRECOMPILE_HEADERS ON)
    target_include_directories(${target} SYSTEM PRIVATE ${out})
  endforeach()
endfunction()

# Handle scripts, jobs and requests, not rows: compiled with -O1, which takes a third less time.
set(millrace_cold_layers syntax plan catalog sql session server cli)

# Compiles the target's files in groups, in a third of the time: names in unnamed namespaces
# are unique within a layer. The fuzz preset compiles each file for itself.
set_source_files_properties(src/expr/block_ops.cc PROPERTIES
  SKIP_UNITY_BUILD_INCLUSION ON) # its optimize pragma is for itself
function(millrace_compile_in_groups target)
  if(NOT MILLRACE_FUZZ)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

# millrace_layer(<name> [DEPENDS <lower layers>...] [LIBS <libraries>...])
function(millrace_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "DEPENDS;LIBS")
  set(folder ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/cli/loader.cc) # see Engine.cmake

  list(TRANSFORM layer_DEPENDS PREPEND millrace_)
  if(sources)
    add_library(millrace_${name} STATIC ${sources})
    set(scope PUBLIC)
    millrace_protos(millrace_${name} ${folder})
    set_target_properties(millrace_${name} PROPERTIES EXCLUDE_FROM_ALL ${MILLRACE_FUZZ})
    millrace_use_pch(millrace_${name} millrace_pch)
    millrace_compile_in_groups(millrace_${name})
    if(name IN_LIST millrace_cold_layers)
      target_compile_options(millrace_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
    set_property(GLOBAL APPEND PROPERTY MILLRACE_LAYERS millrace_${name})
  else()
    add_library(millrace_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(millrace_${name} ${scope} ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(millrace_${name} ${scope} ${layer_DEPENDS} ${layer_LIBS})

  if(MILLRACE_FUZZ)
    foreach(fuzzer ${fuzzers})
      cmake_path(GET fuzzer STEM target)
      millrace_executable(${target} ${fuzzer} LIBS millrace_${name})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY MILLRACE_FUZZERS ${target})
    endforeach()
    return()
  endif()
  if(tests)
    file(GLOB_RECURSE protos ${folder}/*.proto)
    millrace_executable(${name}_test "${tests}" PCH millrace_test_pch
                        LIBS millrace_${name} $<$<BOOL:${protos}>:millrace_protos> millrace_test_main GTest::gmock GTest::gtest)
    target_compile_options(${name}_test PRIVATE ${millrace_test_options})
    millrace_add_test(unit.${name} LABEL unit COMMAND ${name}_test)
  endif()
  if(benches)
    millrace_executable(${name}_bench "${benches}" PCH millrace_pch
                        LIBS millrace_${name} benchmark::benchmark_main)
    set_target_properties(${name}_bench PROPERTIES EXCLUDE_FROM_ALL TRUE)
    add_dependencies(benchmarks ${name}_bench)
  endif()
endfunction()

# Declares every layer of the list, in its order, and the target `benchmarks`.
function(millrace_layers_from list)
  add_custom_target(benchmarks)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
  if(NOT MILLRACE_FUZZ)
    add_library(millrace_test_main OBJECT ${CMAKE_SOURCE_DIR}/test/unit_main.cc)
    target_link_libraries(millrace_test_main PUBLIC GTest::gmock GTest::gtest Arrow::compute)
  endif()
  file(STRINGS ${list} lines REGEX "^[0-9]")
  foreach(line ${lines})
    string(REGEX MATCH "^([0-9]+) +([a-z_]+) *:([^|]*)\\|?(.*)$" matched "${line}")
    if(NOT matched)
      message(FATAL_ERROR "${list}: cannot read the line '${line}'")
    endif()
    set(name ${CMAKE_MATCH_2})
    separate_arguments(depends UNIX_COMMAND "${CMAKE_MATCH_3}")
    separate_arguments(libs UNIX_COMMAND "${CMAKE_MATCH_4}")
    millrace_layer(${name} DEPENDS ${depends} LIBS ${libs})
  endforeach()
endfunction()
