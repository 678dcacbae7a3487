# The engine is one shared library; the millrace executable is a thin loader that opens
# it with dlopen(RTLD_NOW | RTLD_LOCAL) from its own folder. So Arrow's private RE2 and
# that of gRPC never see each other (docs/dependencies.md, "The RE2 clash").

if(MILLRACE_FUZZ OR NOT EXISTS ${CMAKE_SOURCE_DIR}/src/cli/loader.cc)
  return()
endif()

get_property(layers GLOBAL PROPERTY MILLRACE_LAYERS)
# All objects of all layers: nothing inside the library refers to what it exports, so
# the archives alone would be dropped; they are linked for their libraries.
set(objects ${layers})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
add_library(millrace_engine SHARED ${objects})
set_target_properties(millrace_engine PROPERTIES OUTPUT_NAME millrace)
target_link_libraries(millrace_engine PRIVATE ${layers})
if(NOT MILLRACE_SANITIZE)
  target_link_options(millrace_engine PRIVATE -Wl,--no-undefined)
endif()

add_subdirectory(${CMAKE_SOURCE_DIR}/grpc)

add_executable(millrace ${CMAKE_SOURCE_DIR}/src/cli/loader.cc)
target_include_directories(millrace PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
target_link_libraries(millrace PRIVATE ${CMAKE_DL_LIBS})
add_dependencies(millrace millrace_engine millrace_grpc)
