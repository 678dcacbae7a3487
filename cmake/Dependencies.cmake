# Imported targets for everything the project uses; docs/dependencies.md says why each.
# Nothing is downloaded here: ./dev setup has put the wheels into the user's cache, under
# a name that is the hash of their pins (tools/lib.sh computes the same one).

if(DEFINED ENV{MILLRACE_CACHE})
  set(cache "$ENV{MILLRACE_CACHE}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(cache "$ENV{XDG_CACHE_HOME}/millrace")
else()
  set(cache "$ENV{HOME}/.cache/millrace")
endif()

# Where ./dev setup has put the environment with these pins.
function(millrace_find_venv out prefix requirements)
  set(pins ${CMAKE_SOURCE_DIR}/tools/${requirements})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pins})
  file(SHA256 ${pins} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  set(venv ${cache}/${prefix}-${hash})
  if(NOT EXISTS ${venv}/complete)
    message(FATAL_ERROR "There are no wheels in ${venv}: run ./dev setup first.")
  endif()
  set(${out} ${venv} PARENT_SCOPE)
endfunction()

millrace_find_venv(venv venv requirements.txt)
file(GLOB wheels ${venv}/lib/python3*/site-packages)

# The Python of the tests: pyarrow, numpy, duckdb, onnx, scikit-learn, pytest.
millrace_find_venv(test_venv venv-test requirements-test.txt)
set(MILLRACE_TEST_PYTHON ${test_venv}/bin/python)

# Arrow, from the pyarrow wheel.
file(GLOB arrow_library ${wheels}/pyarrow/libarrow.so.*)
string(REGEX REPLACE "^.*/libarrow\\.so\\." "" arrow_abi ${arrow_library})
function(millrace_arrow_library name file)
  add_library(Arrow::${name} SHARED IMPORTED GLOBAL)
  set_target_properties(Arrow::${name} PROPERTIES
    IMPORTED_LOCATION ${wheels}/pyarrow/lib${file}.so.${arrow_abi}
    INTERFACE_INCLUDE_DIRECTORIES ${wheels}/pyarrow/include)
  target_link_libraries(Arrow::${name} INTERFACE ${ARGN})
endfunction()
millrace_arrow_library(arrow arrow)
millrace_arrow_library(compute arrow_compute Arrow::arrow)
millrace_arrow_library(acero arrow_acero Arrow::compute)
millrace_arrow_library(parquet parquet Arrow::arrow)
millrace_arrow_library(dataset arrow_dataset Arrow::acero Arrow::parquet)

# ONNX Runtime: headers only. The library is opened at run time; <onnxruntime_path.h>
# defines kOnnxRuntimeLibrary, the path where the build found it.
file(GLOB onnxruntime_library ${wheels}/onnxruntime/capi/libonnxruntime.so.*)
set(onnxruntime_headers ${cache}/onnxruntime-headers)
if(NOT EXISTS ${onnxruntime_headers}/onnxruntime_c_api.h)
  message(FATAL_ERROR "There are no ONNX Runtime headers in ${onnxruntime_headers}: run ./dev setup first.")
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/onnxruntime_path.h CONTENT [[
#pragma once
/// Where the build found ONNX Runtime; the default for opening it at run time.
inline constexpr char kOnnxRuntimeLibrary[] = "@onnxruntime_library@";
]] @ONLY)
add_library(OnnxRuntime::headers INTERFACE IMPORTED GLOBAL)
set_target_properties(OnnxRuntime::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
  "${onnxruntime_headers};${CMAKE_BINARY_DIR}/generated")

find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(CURL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(date REQUIRED) # time zones: date::date-tz
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(Boost REQUIRED) # headers only: Boost::headers
find_package(prometheus-cpp REQUIRED)
find_package(pugixml REQUIRED)

find_package(Protobuf REQUIRED) # .proto files at run time: protobuf::libprotobuf

find_path(rdkafka_include librdkafka/rdkafka.h REQUIRED)
find_library(rdkafka_library rdkafka REQUIRED)
add_library(RdKafka::rdkafka UNKNOWN IMPORTED GLOBAL)
set_target_properties(RdKafka::rdkafka PROPERTIES
  IMPORTED_LOCATION ${rdkafka_library} INTERFACE_INCLUDE_DIRECTORIES ${rdkafka_include})

# Its own CMake config asks for the headers of all its compressors.
find_path(rocksdb_include rocksdb/db.h REQUIRED)
find_library(rocksdb_library rocksdb REQUIRED)
add_library(RocksDB::rocksdb UNKNOWN IMPORTED GLOBAL)
set_target_properties(RocksDB::rocksdb PROPERTIES
  IMPORTED_LOCATION ${rocksdb_library} INTERFACE_INCLUDE_DIRECTORIES ${rocksdb_include})

find_path(edit_include histedit.h REQUIRED)
find_library(edit_library edit REQUIRED)
add_library(Edit::edit UNKNOWN IMPORTED GLOBAL)
set_target_properties(Edit::edit PROPERTIES
  IMPORTED_LOCATION ${edit_library} INTERFACE_INCLUDE_DIRECTORIES ${edit_include})
