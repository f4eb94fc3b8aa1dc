// A place in a file of a repository.
#pragma once

namespace cromt::step {

// From 1; columns count characters (code points), not bytes.
struct Position {
  int line = 1;
  int column = 1;
  friend bool operator==(const Position&, const Position&) = default;
};

}  // namespace cromt::step
