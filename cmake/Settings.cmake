set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

option(CROMT_TESTS "Build the tests" ON)
option(CROMT_BENCH "Build the benchmark programs" ON)
option(CROMT_FUZZ "Build the fuzz targets; needs clang and CROMT_SANITIZE with fuzzer-no-link" OFF)
option(CROMT_WERROR "Treat warnings as errors" ON)
option(CROMT_STATIC "Link cromt-launcher and cromt-step statically (off under sanitizers)" ON)
option(CROMT_RPC "Build what needs gRPC (off under TSan, which Debian's gRPC is not built for)" ON)
set(CROMT_SANITIZE "" CACHE STRING "Value for -fsanitize=, e.g. address,undefined")

if(CROMT_SANITIZE)
  add_compile_options(-fsanitize=${CROMT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CROMT_SANITIZE})
  set(CROMT_STATIC OFF)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Of the same sources in any folder the objects are the same: so the last release, built in one of its own
  # (tests/e2e/release.py), costs little. Who debugs finds the sources from the build's folder.
  # A header that is edited while it is compiled must not be taken for what was compiled: so no sloppiness of times.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_ABSSTDERR=1 ${CCACHE})
  # Without these a precompiled header is another one each time it is made.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  add_link_options(-fuse-ld=mold)
endif()
