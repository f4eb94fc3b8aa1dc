// People who look after the mesh: they take agents out of service and put them back, say of a host that is down that it
// will not come back, apply other revisions of the job file, and pause what starts by itself for a while.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/coordinator.h"
#include "tests/sim/host.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Operators {
 public:
  // A generator of its own: what is drawn here changes nothing elsewhere. All else outlives it.
  Operators(World& world, SimCoordinator& coordinator, const std::vector<std::unique_ptr<SimHost>>& hosts,
            const std::map<std::string, size_t>& addresses, uint64_t seed);

  // What they have done is undone before long: no agent stays out of service.
  void Begin();
  bool done() const;

 private:
  void Drain();
  void PutAllBack();
  void ForgetOneThatIsDown();
  void Pause();
  std::string AnyAddress();

  World& world_;
  SimCoordinator& coordinator_;
  const std::vector<std::unique_ptr<SimHost>>& hosts_;
  const std::map<std::string, size_t>& addresses_;
  Dice dice_;
};

}  // namespace cromt::sim
