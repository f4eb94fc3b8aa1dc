# Writes OUT, unless it says so already: which commit of SOURCE the programs are built of. Run at each build.
cmake_policy(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} describe --always --abbrev=10 --exclude=* --dirty=+
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(commit)
  set(commit " (${commit})")
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#include \"base/version.h\"

namespace cromt {

std::string_view VersionText() {
  return \"@VERSION@@commit@\";
}

}  // namespace cromt
" @ONLY)
