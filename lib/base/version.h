// What this program is. Its text is written at each build, in a library of its own: of a new commit only programs are
// linked again.
#pragma once

#include <string_view>

namespace cromt {

// "0.1.0 (a0849f7c11)": the version, and the commit that it was built of, with a + where changes were not committed.
// Without the commit where it was not built in a Git checkout.
std::string_view VersionText();

}  // namespace cromt
