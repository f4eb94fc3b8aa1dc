// What `cromt history diff` and `show` write to standard output: as the session's format says. One thread.
#pragma once

#include <string>

#include "cli/session.h"
#include "core/control.h"

namespace cromt::cli {

// As it was applied; on a terminal harmless for it.
void ShowText(Session& session, const RevisionText& revision);

// A unified diff, coloured on a terminal. `before`: null where there is no text to compare with.
void ShowDiff(Session& session, const RevisionText* before, const RevisionText& after);

}  // namespace cromt::cli
