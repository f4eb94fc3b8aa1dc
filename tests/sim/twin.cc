#include "tests/sim/twin.h"

namespace cromt::sim {

Twin::Twin(World& world, SimCoordinator& first, WentBack& went_back)
    : world_(world), first_(first), went_back_(went_back), dice_(world.dice.Fork()) {
  // Who recovers one while the other goes on has soon recovered in vain (docs/reliability.md: stop it first).
  went_back_.OperateWhen([this] { return IsGone(); });
}

bool Twin::Begin() {
  if (!went_back_.Copy()) return false;
  // Mostly at once, so that it knows all that agents have seen.
  const Duration delay =
      dice_.PerCent(60) ? dice_.Between(Duration(0), milliseconds(200)) : dice_.Between(milliseconds(200), seconds(15));
  world_.timeline.After(delay, "second coordinator", 0, [this] {
    if (!over_) Start();
  });
  return true;
}

void Twin::Start() {
  second_ = first_.MakeSecond(went_back_.copy());
  // Both start from the same state then.
  if (dice_.PerCent(30)) first_.Die("it is started again as the second is");
  second_->Boot();
  world_.timeline.After(dice_.Between(seconds(1), seconds(30)), "second coordinator", 1, [this] { Stop(); });
}

void Twin::Stop() {
  if (!second_->up()) return;
  second_->Die("somebody stops it");
  second_->CheckOutput();
  stopped_at_ = world_.timeline.now();
}

void Twin::End() {
  over_ = true;
  if (second_) Stop();
}

bool Twin::IsGone() const {
  return !second_ || (!second_->up() && world_.timeline.now() > stopped_at_ + seconds(1));
}

}  // namespace cromt::sim
