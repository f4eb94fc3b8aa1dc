// Makes what a job printed harmless for a terminal. Colours pass (ESC [ … m); every other control sequence is shown
// instead of obeyed: C0 and DEL in caret notation ("^[", "^M"), C1 and broken UTF-8 as U+FFFD. Tabs stay.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace cromt::cli {

// Appends `text` (part of one line, without its newline). `colours` holds the colours in force, as sequences, and goes
// from one part of a stream to the next: they are set again at the front of each part and reset at its end, so that a
// job can't colour or hide what others write. Bounded.
void AppendTerminalSafe(std::string_view text, std::string& colours, std::string& out);

// How many bytes of `text`, more of which may come, can be shown without cutting a character or colour in two.
size_t WholeSequences(std::string_view text);

}  // namespace cromt::cli
