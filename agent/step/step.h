// What cromt-step does: runs the actions of a job one after another in its repository, the first failure ends it.
#pragma once

#include <string>
#include <vector>

#include "agent/step/child.h"
#include "agent/step/output.h"
#include "base/result.h"

namespace cromt::step {

struct Arguments {
  std::string root = ".";
  std::string environment;    // of .tom/env/config.NAME.raku; empty: the repository's default
  std::string tags;           // "NAME=VALUE,FLAG,…"; empty: those of SP6_TAGS
  std::string pin;            // URL of a Sparrow repository: its plugins `actions` are shown as an agent pins them
  bool quiet = false;         // no headings
  bool in_container = false;  // an interpreter that is missing is named before an action begins
  bool dump_task = false;     // shows the text of each program before it runs
  std::vector<std::string> actions;
};

inline constexpr std::string_view kUsage =
    "usage: cromt-step [--root DIR] [--env NAME] [--tags NAME=VALUE,FLAG…] [--quiet] [--dump_task] ACTION…\n"
    "       cromt-step --pin URL PLUGIN…    # what cromt-agent's configuration says to take these plugins from there\n";

// `arguments` without the program's name. kInvalid: unknown option, one without its value, no action.
Result<Arguments> ParseArguments(const std::vector<std::string>& arguments);

// The exit code of the job: 0, the failing task's, 1 for what can't be found or read (noted in `output`), 128+N when
// signal N stopped it. Before anything runs, every action that is there is read, and refused if it can't be. Changes
// the working directory to the root.
int RunActions(Arguments arguments, ChildRunner& children, Output& output);

}  // namespace cromt::step
