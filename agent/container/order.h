// What the agent tells cromt-container of one attempt, and what that says in return: files in the slot's box.
//
//   BOX/order.json   the order, 0600: it may hold a registry's password; removed once it is read
//   BOX/io/          what the container sees as /.cromt/io: the pipes out, err and, for actions, records; and variables
//                    that are secrets
//   BOX/secrets/     what it sees as /.cromt/secrets
//   BOX/result.json  what ran, and how it ended, for the agent
//   BOX/visit.json   of a job in a container that ran already: where, so that what is left of it can be removed
//   BOX/out/         what comes back out of that one, before it is looked at
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/container/order.h"

namespace cromt::container {

// Where things lie in a container.
inline constexpr char kWorkspace[] = "/workspace";
inline constexpr char kStep[] = "/.cromt/step";
inline constexpr char kScript[] = "/.cromt/script";
inline constexpr char kIo[] = "/.cromt/io";
inline constexpr char kSecrets[] = "/.cromt/secrets";

inline std::string OrderPath(const std::string& box) {
  return box + "/order.json";
}
inline std::string IoPath(const std::string& box) {
  return box + "/io";
}
// Variables that stand in no order, so that the engine does not show them; see agent/step/init.h.
inline std::string VariablesPath(const std::string& box) {
  return box + "/io/variables";
}
// Files of secrets.
inline std::string SecretsPath(const std::string& box) {
  return box + "/secrets";
}
inline std::string ResultPath(const std::string& box) {
  return box + "/result.json";
}

inline std::string VisitPath(const std::string& box) {
  return box + "/visit.json";
}
inline std::string BackPath(const std::string& box) {
  return box + "/out";
}

// If a container of this name runs, the job runs in it. There it has a directory of its own, `place`, with cromt-step
// as `step`, the script as `script`, and its workspace as `workspace`.
struct EntryOrder {
  std::string name;
  std::string refusal;  // why this agent does not let it; empty = it does
  std::string place;
  std::vector<std::string> argv;  // of the job itself
  std::vector<std::string> env;
  std::string user;                     // empty = the container's own
  std::string mark;                     // CROMT_ATTEMPT_MARK of all its processes
  std::string workspace, step, script;  // of the host
};

struct Order {
  std::string engine;  // unix:///PATH
  std::string image;   // as the job file names it
  std::optional<EntryOrder> entry;
  Pull pull = Pull::kMissing;
  std::optional<RegistryLogin> login;
  ContainerOrder container;       // but for the image
  std::vector<std::string> give;  // files and directories that are given to the container's user first
  std::string needs;              // a program that the image must have; empty = none
  bool records = false;           // the job writes records on descriptor 3, and so does cromt-container
  Duration grace{0};              // between TERM and KILL
};

// Where a job is, or was, in a container that ran already.
struct VisitNote {
  std::string container;  // its id
  std::string place, user, mark;
  std::string step;  // cromt-step on the host
};

struct Outcome {
  std::string image_id;
  std::string digest;  // NAME@sha256:…; empty where the image came from no registry
  bool oom_killed = false;
  std::string error;     // why there was no container; empty = there was one
  bool removed = false;  // nothing of it is left to the agent
};

// kInvalid for bytes that are not UTF-8: an environment may hold them.
Result<std::string> ToJson(const Order& order);
Result<Order> OrderFromJson(std::string_view text);
std::string ToJson(const VisitNote& note);
Result<VisitNote> VisitNoteFromJson(std::string_view text);
std::string ToJson(const Outcome& outcome);
Result<Outcome> OutcomeFromJson(std::string_view text);

// Of the slot of one agent; no other agent has it.
std::string ContainerName(const std::string& agent, uint32_t slot);

}  // namespace cromt::container
