// The lines at the bottom of a terminal that are drawn again and again, below text that stays. Between calls the cursor
// stands on an empty line above them: so they can be cleared from there whatever became of them meanwhile (a resize
// that wraps them, a ^C that the terminal shows), and what somebody else writes stands on a line of its own. Nothing
// but lines that were printed ever scrolls out. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal_size.h"
#include "cli/writer.h"

namespace cromt::cli {

class LiveRegion {
 public:
  // `terminal` outlives this.
  explicit LiveRegion(Writer& terminal) : terminal_(terminal) {}

  // Writes text that stays to `to`, which may be the terminal by another descriptor; the lines are gone until the next
  // Draw.
  void Print(Writer& to, std::string_view text);
  // Draws `lines`, each shorter than a row, in place of those drawn before. Does nothing while the text above has an
  // unfinished line, which must not be cut in two. REQUIRES: fewer lines than the terminal has rows.
  void Draw(const std::vector<std::string>& lines);
  // Clears the lines; the cursor is where the next text belongs.
  void Clear();
  bool drawn() const { return drawn_; }

 private:
  Writer& terminal_;
  Writer* open_by_ = nullptr;  // whose unfinished line stands at the end of what was printed
  bool drawn_ = false;
};

}  // namespace cromt::cli
