add_library(cromt_warnings INTERFACE)
target_compile_options(cromt_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                       -Wimplicit-fallthrough -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12 is wrong about moved std::variants, and about std::string once that is precompiled (it then forgets that the
  # header is the system's); clang and the sanitizers look at the same code.
  target_compile_options(cromt_warnings INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-restrict
                         -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(cromt_warnings INTERFACE -Wthread-safety)
endif()
if(CROMT_WERROR)
  target_compile_options(cromt_warnings INTERFACE -Werror)
endif()
