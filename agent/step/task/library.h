// The libraries that give a task its `config`, its variables and the rest of what Sparrow's tasks ask of their runner,
// one for each language (lib/). Parameters travel as data in files that they read; no value of anybody ever becomes
// text of a program.
#pragma once

#include <string>
#include <vector>

#include "agent/step/scratch.h"
#include "agent/step/task/languages.h"
#include "agent/step/value.h"

namespace cromt::step {

// Where a program finds itself. All paths are absolute.
struct Places {
  std::string root;        // of the task: root_dir
  std::string directory;   // of the program's file: task_dir
  std::string cache_root;  // of the whole task with its subtasks: config.json, state.json
  std::string cache;       // of this program: its variables
  std::string libraries;   // of the job
};

// The library of `language` in the folder `relative` of the scratch, which is there.
Status WriteLibrary(Scratch& scratch, const std::string& relative, Language language);

// What the library of `language` reads, in `relative`, which is the program's cache. Who reads JSON finds `config` in
// the cache root.
Status WriteParameters(Scratch& scratch, const std::string& relative, Language language, const Places& places,
                       const Map& config, const Map& variables);

// The command that runs `file` (absolute) with its library.
std::vector<std::string> CommandFor(Language language, const std::string& file, const Places& places);

}  // namespace cromt::step
