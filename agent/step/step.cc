#include "agent/step/step.h"

#include <errno.h>
#include <fmt/format.h>
#include <unistd.h>

#include "agent/step/job.h"
#include "base/name.h"

namespace cromt::step {

Result<Arguments> ParseArguments(const std::vector<std::string>& arguments) {
  Arguments parsed;
  auto bad = [](std::string_view why) { return Fail(ErrorCode::kInvalid, fmt::format("cromt-step: {}", why)); };
  bool options = true;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (options && word == "--") {
      options = false;
    } else if (options && word == "--root") {
      if (++i == arguments.size()) return bad("--root wants a directory");
      parsed.root = arguments[i];
    } else if (options && word.starts_with("--root=")) {
      parsed.root = word.substr(7);
    } else if (options && word.starts_with('-')) {
      return bad("unknown option " + Quote(word));
    } else {
      parsed.actions.push_back(word);
    }
  }
  if (parsed.actions.empty()) return bad("no action given");
  return parsed;
}

int RunActions(const Arguments& arguments, ChildRunner& children, Output& output) {
  auto repository = Repository::Open(arguments.root);
  if (!repository || ::chdir(repository->root().c_str()) != 0) {
    output.Note((repository ? ErrnoError(Quote(arguments.root), errno) : repository.error()).message);
    return 1;
  }
  children.SetBackgroundOutput(output);
  Job job(*repository, children, output);
  for (const std::string& action : arguments.actions)
    if (auto status = job.Check(action); !status) return job.Refuse(status.error());
  for (const std::string& action : arguments.actions)
    if (int code = job.Run(action); code != 0) return code;
  return 0;
}

}  // namespace cromt::step
