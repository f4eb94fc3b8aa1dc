#include "tests/sim/operators.h"

#include <fmt/format.h>

namespace cromt::sim {
namespace {

constexpr Duration kLastAct = seconds(90);
// Again and again: a store that goes back, or an answer that gets lost, would leave one out of service for good.
constexpr Duration kPutBack = seconds(110), kPutBackAgain = seconds(20), kWatch = std::chrono::hours(4);

}  // namespace

Operators::Operators(World& world, SimCoordinator& coordinator, const std::vector<std::unique_ptr<SimHost>>& hosts,
                     const std::map<std::string, size_t>& addresses, uint64_t seed)
    : world_(world), coordinator_(coordinator), hosts_(hosts), addresses_(addresses), dice_(seed) {}

std::string Operators::AnyAddress() {
  auto address = addresses_.begin();
  std::advance(address, dice_.Below(addresses_.size()));
  return address->first;
}

void Operators::Begin() {
  auto some = [this](uint64_t most, std::string_view kind, void (Operators::*what)()) {
    for (uint64_t i = dice_.Below(most + 1); i > 0; --i)
      world_.timeline.At(dice_.Between(seconds(2), kLastAct), kind, i, [this, what] { (this->*what)(); });
  };
  some(2, "drains", &Operators::Drain);
  some(2, "pauses for a while", &Operators::Pause);
  some(12, "looks for one that is down", &Operators::ForgetOneThatIsDown);
  for (Duration at = kPutBack; at < kWatch; at += kPutBackAgain)
    world_.timeline.At(at, "puts back", 0, [this] { PutAllBack(); });
}

bool Operators::done() const {
  return world_.timeline.now() > kPutBack;
}

void Operators::Drain() {
  const std::string address = AnyAddress();
  world_.timeline.Note("somebody takes the agent at " + address + " out of service");
  coordinator_.Ask(DrainAgent{address, "a disk is replaced", "ops"}, [](const Result<RunId>&) {});
  world_.timeline.After(dice_.Between(seconds(1), seconds(40)), "resumes", 0,
                        [this, address] { coordinator_.Ask(ResumeAgent{address}, [](const Result<RunId>&) {}); });
}

void Operators::PutAllBack() {
  for (const auto& [address, index] : addresses_) coordinator_.Ask(ResumeAgent{address}, [](const Result<RunId>&) {});
}

// The machine is off, so nothing runs there, whatever becomes of it later.
void Operators::ForgetOneThatIsDown() {
  for (const auto& [address, index] : addresses_) {
    if (hosts_[index]->on()) continue;
    world_.timeline.Note("somebody says that the agent at " + address + " will not come back");
    coordinator_.Ask(ForgetAgent{.address = address, .author = "ops"}, [this](const Result<RunId>& answer) {
      world_.situations.Saw("forget", answer ? "done" : "refused");
    });
  }
}

void Operators::Pause() {
  const std::string project = dice_.PerCent(50) ? "" : fmt::format("push{}", dice_.Below(4));
  Paused pause{.project = project, .why = "a look", .author = "ops", .since = {}, .until = {}};
  if (dice_.PerCent(50)) pause.until = coordinator_.wall() + seconds(15);
  coordinator_.Post(engine_input::SetPause{project, pause, [](const Result<RunId>&) {}});
  world_.timeline.After(dice_.Between(seconds(1), seconds(30)), "unpauses", 0, [this, project] {
    if (world_.timeline.now() > kPutBack) return;  // from then on all is paused, for good
    coordinator_.Post(engine_input::SetPause{project, std::nullopt, [](const Result<RunId>&) {}});
  });
}

}  // namespace cromt::sim
