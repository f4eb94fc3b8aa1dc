// The variables of a scenario while it is parsed: names in nested blocks get slots.
//
// Also watches over what copies can't imitate: Raku's lists and maps hold the variables they are made of, ours hold
// their values. That is the same unless such a variable is assigned to again: then the scenario is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cromt::step {

class Scope {
 public:
  void Open() { blocks_.emplace_back(); }
  // The slots of the block that ends.
  std::vector<size_t> Close();

  // nullopt: the block has this name already. `name` with its sigil: "$x".
  std::optional<size_t> Declare(std::string_view name);
  std::optional<size_t> Find(std::string_view name) const;

  // False: the variable is both held by something and assigned to, now or before.
  [[nodiscard]] bool Hold(size_t slot) { return Mark(slot, kHeld); }
  [[nodiscard]] bool Assign(size_t slot) { return Mark(slot, kAssigned); }

  size_t slots() const { return marks_.size(); }

 private:
  enum : unsigned char { kHeld = 1, kAssigned = 2 };
  bool Mark(size_t slot, unsigned char mark) {
    marks_[slot] |= mark;
    return marks_[slot] != (kHeld | kAssigned);
  }

  struct Entry {
    std::string name;
    size_t slot;
  };
  std::vector<std::vector<Entry>> blocks_;
  std::vector<unsigned char> marks_;  // by slot
};

}  // namespace cromt::step
