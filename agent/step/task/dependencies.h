// Modules that a task's root asks for by a file of its language's installer: requirements.txt, cpanfile, Gemfile,
// rakufile. They are installed once on a host, into a cache keyed by the file's text, and found there by every job.
//
// They appear there whole (staged_folder.h); of two jobs that install the same at once, the first to end is kept. Not
// thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/step/child.h"
#include "agent/step/output.h"
#include "agent/step/repository.h"
#include "agent/step/task/environment.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxDependencyBytes = 1 << 20;  // of such a file

// One that is installed: what it adds to the environment of the task's programs.
struct Installed {
  std::string_view file;  // "requirements.txt"
  std::string path;       // absolute, of its modules
};

class Dependencies {
 public:
  // `cache` is absolute, or empty where there is no place for one; both others outlive it.
  Dependencies(std::string cache, ChildRunner& children, Output& output)
      : cache_(std::move(cache)), children_(children), output_(output) {}

  // All that `root` of `repository` asks for, installed if it isn't yet: shown as a task of `name`. An exit code of the
  // installer is `exit_code`; an error is what could not be read, made or started.
  struct Outcome {
    int exit_code = 0;
    std::vector<Installed> installed;
  };
  Result<Outcome> Install(const Repository& repository, const std::string& root, const std::string& name);

 private:
  struct Kind;
  static std::span<const Kind> Kinds();
  Result<int> Make(const Kind& kind, const std::string& file, const std::string& text, const std::string& final_path,
                   const std::string& name);

  const std::string cache_;
  ChildRunner& children_;
  Output& output_;
};

// What lets programs find it.
std::vector<SearchPath> SearchPathsOf(const Installed& installed);

}  // namespace cromt::step
