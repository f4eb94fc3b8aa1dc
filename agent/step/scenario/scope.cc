#include "agent/step/scenario/scope.h"

#include <algorithm>

namespace cromt::step {

std::vector<size_t> Scope::Close() {
  std::vector<size_t> slots;
  for (const Entry& entry : blocks_.back()) slots.push_back(entry.slot);
  blocks_.pop_back();
  return slots;
}

std::optional<size_t> Scope::Declare(std::string_view name) {
  std::vector<Entry>& block = blocks_.back();
  if (std::any_of(block.begin(), block.end(), [&](const Entry& entry) { return entry.name == name; })) return {};
  block.push_back({std::string(name), marks_.size()});
  marks_.push_back(0);
  return block.back().slot;
}

std::optional<size_t> Scope::Find(std::string_view name) const {
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block)
    for (const Entry& entry : *block)
      if (entry.name == name) return entry.slot;
  return {};
}

}  // namespace cromt::step
