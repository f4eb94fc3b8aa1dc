// Simulated time: what will happen, in order of (time, sequence), and a hash over what has happened.
//
// Everything in the simulator is an event here, on one thread. Two runs of a seed are the same if their hashes are.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace cromt::sim {

class Timeline {
 public:
  using Action = std::function<void()>;
  using Story = std::function<void(const std::string& line)>;

  explicit Timeline(Story story) : story_(std::move(story)) {}

  // Since the simulation's beginning.
  Duration now() const { return now_; }
  // `kind` outlives the timeline; `id` tells events of a kind apart. A time that has passed means now.
  void At(Duration when, std::string_view kind, uint64_t id, Action action);
  void After(Duration delay, std::string_view kind, uint64_t id, Action action) {
    At(now_ + delay, kind, id, std::move(action));
  }
  // Lets the next event happen; false if there is none.
  bool RunNext();
  // Something that is worth telling has happened: it goes into the hash, and into the story if that is wanted.
  void Note(std::string_view text);

  uint64_t hash() const { return hash_; }
  uint64_t events() const { return events_; }

 private:
  struct Event {
    Duration when;
    uint64_t sequence;
    std::string_view kind;
    uint64_t id;
    Action action;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
    }
  };
  void Mix(uint64_t value);
  void Mix(std::string_view text);

  Story story_;
  Duration now_{0};
  uint64_t next_sequence_ = 0;
  uint64_t events_ = 0;
  uint64_t hash_ = 0xcbf29ce484222325;  // FNV-1a
  std::vector<Event> heap_;
};

}  // namespace cromt::sim
