# Language, warnings, code generation, ccache and linker, for all targets of the project.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

# One set of flags for libraries, executables and the precompiled header, so that all
# can share it: hence -fPIC here instead of CMake's property, which picks -fPIE for
# executables. Hidden visibility keeps -fPIC from costing inlining and speed; what
# libmillrace.so exports says so (include/millrace/export.h).
add_compile_options(
  -fPIC -fvisibility=hidden -fvisibility-inlines-hidden
  -Wall -Wextra -Werror -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wundef -Wvla -Wcast-qual -Wno-missing-field-initializers
  # The same objects in every checkout, so that ccache hits across them.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Preprocessed output that ccache can hash when a precompiled header is in use.
  # GCC 12 reports false overflows and uninitialised values in inlined library code.
  add_compile_options(-fpch-preprocess -Wlogical-op -Wno-restrict -Wno-maybe-uninitialized
                      -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
  # The compiler collects no garbage: the precompiled header is most of its heap.
  add_compile_options("SHELL:--param ggc-min-expand=500" "SHELL:--param ggc-min-heapsize=4000000")
endif()

# x86-64-v2 (SSE4.2, POPCNT; every machine since about 2009, Atom gateways included) is
# the floor for the project's own loops. Arrow, simdjson and ONNX Runtime choose AVX2 or
# AVX-512 kernels at run time themselves, so a higher floor would gain little and would
# cost the small gateways. Override with -DMILLRACE_MARCH=native.
if(MILLRACE_MARCH)
  add_compile_options(-march=${MILLRACE_MARCH})
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-march=x86-64-v2)
endif()

if(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
  if(MILLRACE_SANITIZE MATCHES "undefined")
    # Arrow's types hide their vtables from this check.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

find_program(MILLRACE_LLD NAMES ld.lld)
if(MILLRACE_LLD)
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--as-needed)

find_program(MILLRACE_CCACHE NAMES ccache)
if(MILLRACE_CCACHE)
  # The launcher sets what a precompiled header needs, so plain ninja caches as well as
  # ./dev: macros of the header itself, __TIME__ and header times are not looked at, and
  # paths are taken relative to the checkout.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${MILLRACE_CCACHE})
endif()
