// Ids as types: a run can't be passed where an agent is meant. Each prints itself and hashes.
// Text ids hold what base/name.h accepts; whoever reads one from outside checks it there.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace cromt {

template <class Tag>
class TextId {
 public:
  TextId() = default;
  explicit TextId(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend bool operator==(const TextId&, const TextId&) = default;
  friend std::strong_ordering operator<=>(const TextId& a, const TextId& b) { return a.text_.compare(b.text_) <=> 0; }

 private:
  std::string text_;
};

using RunId = TextId<struct RunTag>;          // one execution of a plan
using AgentId = TextId<struct AgentTag>;      // an agent, made once with its data directory
using JournalId = TextId<struct JournalTag>;  // new with every empty agent journal
using MeshId = TextId<struct MeshTag>;        // a coordinator's store; an embedded run is a mesh of its own
using RequestId = TextId<struct RequestTag>;  // chosen by a caller so that repeating a call returns the first answer

// Position of a task in its run's plan, from 0. People see it counted from 1 ("task 3").
using TaskIndex = uint32_t;
// Position of an instance in its run's plan, from 0.
using InstanceIndex = uint32_t;

// One try at a task. Reports carry it; a report for an older attempt changes nothing (the fence).
struct AttemptId {
  RunId run;
  TaskIndex task = 0;
  uint32_t attempt = 0;  // from 1

  friend bool operator==(const AttemptId&, const AttemptId&) = default;
  friend auto operator<=>(const AttemptId&, const AttemptId&) = default;
};

// "RUN/3/1": run, task counted from 1, attempt.
inline std::string ToString(const AttemptId& id) {
  return id.run.text() + "/" + std::to_string(id.task + 1) + "/" + std::to_string(id.attempt);
}

inline size_t HashCombine(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

}  // namespace cromt

template <class Tag>
struct std::hash<cromt::TextId<Tag>> {
  size_t operator()(const cromt::TextId<Tag>& id) const noexcept { return std::hash<std::string>()(id.text()); }
};

template <>
struct std::hash<cromt::AttemptId> {
  size_t operator()(const cromt::AttemptId& id) const noexcept {
    size_t h = std::hash<cromt::RunId>()(id.run);
    return cromt::HashCombine(cromt::HashCombine(h, id.task), id.attempt);
  }
};
