# cromt_library(NAME SOURCES … DEPS … [PRIVATE_DEPS …]): one folder, one library. It sees lib/ and the top
# folder as include roots; what it may include is what it links, and tests/style holds the rest.
function(cromt_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/lib ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE cromt_warnings ${arg_PRIVATE_DEPS})
endfunction()

# cromt_program(NAME SOURCES … DEPS … [STATIC]): its main is one call into a library. The target `programs` builds
# all of them and no test.
add_custom_target(programs)
function(cromt_program name)
  cmake_parse_arguments(arg "STATIC" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(programs ${name})
  target_link_libraries(${name} PRIVATE cromt_warnings ${arg_DEPS})
  if(arg_STATIC AND CROMT_STATIC)
    target_link_options(${name} PRIVATE -static)
  endif()
endfunction()

# cromt_test(NAME SOURCES … DEPS … [LABEL unit|contract|sim|e2e]): one test binary, one ctest entry.
# The target tests_LABEL builds all of a label; script/test runs by label.
function(cromt_test name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE cromt_warnings ${arg_DEPS} GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  add_dependencies(tests_${arg_LABEL} ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT 300
                       ENVIRONMENT "CROMT_BIN=${CMAKE_BINARY_DIR}/bin;CROMT_SOURCE=${CMAKE_SOURCE_DIR}")
endfunction()
