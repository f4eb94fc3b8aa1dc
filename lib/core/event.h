// Facts that arrive at the scheduler. Whoever makes one (a gRPC thread, a session, a timer, the simulator) has
// validated its ids and sizes; that it makes sense *now* is the scheduler's to decide.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/effect.h"
#include "core/messages.h"
#include "core/plan.h"

namespace cromt {

// Somebody wishes a run. `run` is new and random; the same request id returns the first run.
struct StartRun {
  RunId run;
  RequestId request;
  std::string project;
  Trigger trigger = Trigger::kManual;
  uint64_t revision = 0;  // of the job file, 0 = not applied (embedded)
  std::string author;
  std::shared_ptr<const Plan> plan;  // valid by Validate()
  // Where its tasks stand at the beginning: those of an earlier run that are taken over have finished. Empty = all
  // wait.
  std::vector<TaskStatus> tasks;
  std::vector<ArtifactsPublished> artifacts;  // of those
  std::vector<ImageRan> images;               // of those
};

// The repositories of a run were resolved and their trees stored, or could not be.
struct SourcesResolved {
  struct Item {
    std::string repository;
    std::string ref;
    std::string commit;
    std::string branch;
    Digest tree;
  };
  RunId run;
  std::vector<Item> items;
};
struct SourcesFailed {
  RunId run;
  std::string reason;
};

// A person wishes an end: of the whole run, or of one task.
struct CancelRun {
  RunId run;
  std::string author;
};
struct CancelTask {
  RunId run;
  TaskIndex task = 0;
  std::string author;
};

// A person says that an agent will not come back: what it may still have is lost now, and its lanes are free. Those of
// this id, if it is known; else all that are down and were at this address, also if another one is up there now.
// Refused where there is none.
struct ForgetAgent {
  std::string address;
  std::string author;
  AgentId agent = {};
};

// A person takes the agent at this address out of service, or puts it back. Refused where none is known, or it is so.
struct DrainAgent {
  std::string address;
  std::string why;
  std::string author;
};
struct ResumeAgent {
  std::string address;
};

// A session with the agent at `address` has exchanged hellos and inventories.
struct AgentUp {
  std::string address;
  AgentHello hello;
  std::vector<InventoryItem> inventory;
  uint64_t session = 0;      // its number: of two sessions with one agent it is the agent that keeps the newer
  std::string refuses = {};  // as AgentRefuses::reason
  std::string warns = {};    // and `warning`
};
// Why the agent takes no leases from now on, a sentence for people; empty = it takes them again.
struct AgentRefuses {
  std::string address;
  std::string reason;
  std::string warning = {};  // what will soon keep it from that; empty = nothing
};
// The session ended, or none could be opened. `reason` is a sentence for people.
struct AgentDown {
  std::string address;
  std::string reason;
};
// The coordinator has heard nobody for a while, by its own doing: from now on whose silence it is begins anew.
struct Resumed {
  std::string reason;  // why all sessions have ended; empty: they go on
};
struct AgentReported {
  std::string address;
  std::vector<Report> reports;  // in sequence
};

// Only what time it is.
struct ClockTick {};

using Event = std::variant<StartRun, SourcesResolved, SourcesFailed, CancelRun, CancelTask, ForgetAgent, DrainAgent,
                           ResumeAgent, AgentUp, AgentDown, AgentRefuses, Resumed, AgentReported, ClockTick>;

}  // namespace cromt
