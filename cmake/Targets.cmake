set(CROMT_TEST_OPTIMIZATION -O0)  # a test runs for milliseconds; what it tests is optimized as ever

# Most of a compilation is the standard library, fmt and GoogleTest, so those are read once. Our own headers are not in
# it: a change to one of them must rebuild only who includes it.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cc CONTENT "// A target needs a source.\n")
function(cromt_precompiled name)
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
  # Where one lies already it is read for the next, which then is another one than ccache knows.
  set_target_properties(${name} PROPERTIES RULE_LAUNCH_COMPILE "${CMAKE_COMMAND} -E rm -f <OBJECT> &&")
  target_link_libraries(${name} PRIVATE cromt_warnings cromt_fmt tl::expected ${ARGN})
  target_precompile_headers(${name} PRIVATE <algorithm> <array> <charconv> <chrono> <cstdint> <cstring> <deque>
    <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread>
    <unordered_map> <utility> <variant> <vector> <fmt/format.h> <tl/expected.hpp>)
endfunction()
cromt_precompiled(cromt_precompiled)
if(CROMT_RPC)
  cromt_precompiled(cromt_precompiled_rpc gRPC::grpc++)
  target_precompile_headers(cromt_precompiled_rpc PRIVATE <grpcpp/grpcpp.h>)
endif()
if(CROMT_TESTS)
  cromt_precompiled(cromt_precompiled_test GTest::gmock)
  target_compile_options(cromt_precompiled_test PRIVATE ${CROMT_TEST_OPTIMIZATION})
  target_precompile_headers(cromt_precompiled_test PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
endif()

# cromt_library(NAME SOURCES … DEPS … [PRIVATE_DEPS …] [RPC]): one folder, one library. It sees lib/ and the top folder
# as include roots; what it may include is what it links, and tests/style holds the rest. RPC: it sees gRPC.
function(cromt_library name)
  cmake_parse_arguments(arg "RPC" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  set(precompiled cromt_precompiled)
  if(arg_RPC)
    set(precompiled cromt_precompiled_rpc)
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/lib ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE cromt_warnings cromt_fmt ${arg_PRIVATE_DEPS})
  target_precompile_headers(${name} REUSE_FROM ${precompiled})
endfunction()

# cromt_program(NAME SOURCES … DEPS … [STATIC]): its main is one call into a library. STATIC: it needs no
# shared object at all. The target `programs` builds all of them and no test.
add_custom_target(programs)
function(cromt_program name)
  cmake_parse_arguments(arg "STATIC" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(programs ${name})
  target_link_libraries(${name} PRIVATE cromt_warnings ${arg_DEPS})
  if(arg_STATIC AND CROMT_STATIC)
    target_link_options(${name} PRIVATE -static)
  elseif(NOT CROMT_SANITIZE)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()

# cromt_test(NAME SOURCES … DEPS … [LABEL core|unit|contract|sim|e2e]): one test binary, one ctest entry.
# The target tests_LABEL builds all of a label; script/test runs by label.
function(cromt_test name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE cromt_warnings cromt_fmt ${arg_DEPS} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM cromt_precompiled_test)
  target_compile_options(${name} PRIVATE ${CROMT_TEST_OPTIMIZATION})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  add_dependencies(tests_${arg_LABEL} ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT 300
                       ENVIRONMENT "CROMT_BIN=${CMAKE_BINARY_DIR}/bin;CROMT_SOURCE=${CMAKE_SOURCE_DIR}")
endfunction()
