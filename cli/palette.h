// Colours for a terminal, or none. Plain values; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/model.h"

namespace cromt::cli {

class Palette {
 public:
  explicit Palette(bool on) : on_(on) {}

  std::string Bold(std::string_view text) const { return Paint("1", text); }
  std::string Dim(std::string_view text) const { return Paint("2", text); }
  std::string Good(std::string_view text) const { return Paint("32", text); }
  std::string Bad(std::string_view text) const { return Paint("31", text); }
  std::string Odd(std::string_view text) const { return Paint("33", text); }

  // A state or outcome in the colour that goes with it; other words as they are.
  std::string Word(std::string_view word) const {
    if (word == "succeeded" || word == "up") return Good(word);
    if (word == "failed" || word == "timed_out" || word == "lost" || word == "down") return Bad(word);
    if (word == "canceled" || word == "skipped" || word == "unreachable" || word == "stopped_early") return Odd(word);
    if (word.ends_with(" (ignored)")) return Odd(word);
    return std::string(word);
  }

 private:
  std::string Paint(std::string_view code, std::string_view text) const {
    if (!on_) return std::string(text);
    return std::string("\x1b[").append(code).append("m").append(text).append("\x1b[0m");
  }

  bool on_;
};

}  // namespace cromt::cli
