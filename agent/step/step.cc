#include "agent/step/step.h"

#include <errno.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/step/home_options.h"
#include "agent/step/job.h"
#include "base/name.h"

namespace cromt::step {

namespace {

tl::unexpected<Error> Bad(std::string_view why) {
  return Fail(ErrorCode::kInvalid, fmt::format("cromt-step: {}", why));
}

struct Option {
  std::string_view name;
  std::string_view value;  // what it wants, for people
  std::string Arguments::*field;
};

constexpr Option kOptions[] = {
    {"--root", "a directory", &Arguments::root},
    {"--env", "a name", &Arguments::environment},
    {"--tags", "tags", &Arguments::tags},
    {"--pin", "the URL of a Sparrow repository", &Arguments::pin},
};

struct Flag {
  std::string_view name;
  bool Arguments::*field;
};

constexpr Flag kFlags[] = {{"--quiet", &Arguments::quiet},
                           {"--dump_task", &Arguments::dump_task},
                           {"--in-container", &Arguments::in_container}};

// Passes all on, marks without headings.
class QuietOutput final : public Output {
 public:
  explicit QuietOutput(Output& next) : next_(next) {}
  void Bytes(seglog::Stream stream, std::string_view data) override { next_.Bytes(stream, data); }
  void Note(std::string_view text) override { next_.Note(text); }
  void Put(const Mark& mark) override {
    Mark quiet = mark;
    if (auto* began = std::get_if<TaskBegan>(&quiet)) began->quiet = true;
    if (auto* began = std::get_if<SectionBegan>(&quiet)) began->quiet = true;
    next_.Put(quiet);
  }

 private:
  Output& next_;
};

bool IsSet(const char* name) {
  const char* value = ::getenv(name);
  return value && *value;
}

// `words[i]` is an option, "--name=value" or "--name" before its value; `i` becomes its last word.
Status ParseOption(const std::vector<std::string>& words, size_t& i, Arguments& parsed) {
  const std::string& word = words[i];
  const size_t equal = word.find('=');
  for (const Flag& flag : kFlags) {
    if (word != flag.name) continue;
    parsed.*flag.field = true;
    return {};
  }
  for (const Option& option : kOptions) {
    if (word.substr(0, equal) != option.name) continue;
    if (equal == std::string::npos && i + 1 == words.size())
      return Bad(fmt::format("{} wants {}", option.name, option.value));
    parsed.*option.field = equal == std::string::npos ? words[++i] : word.substr(equal + 1);
    return {};
  }
  return Bad("unknown option " + Quote(word));
}

int ShowPins(const Arguments& arguments, ChildRunner& children, Output& output) {
  auto text = PinPlugins(arguments.pin, arguments.actions, children);
  if (!text) {
    output.Note("cromt-step: " + text.error().message);
    return 1;
  }
  output.Bytes(seglog::Stream::kStdout, *text);
  return 0;
}

}  // namespace

Result<Arguments> ParseArguments(const std::vector<std::string>& arguments) {
  Arguments parsed;
  bool options = true;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (options && word == "--") {
      options = false;
    } else if (options && word.starts_with('-')) {
      CROMT_TRY(ParseOption(arguments, i, parsed));
    } else {
      parsed.actions.push_back(word);
    }
  }
  if (parsed.actions.empty()) return Bad(parsed.pin.empty() ? "no action given" : "no plugin given");
  if (!parsed.environment.empty()) CROMT_TRY(CheckName("cromt-step: --env", parsed.environment));
  return parsed;
}

int RunActions(Arguments arguments, ChildRunner& children, Output& output) {
  if (!arguments.pin.empty()) return ShowPins(arguments, children, output);
  auto repository = Repository::Open(arguments.root);
  if (!repository || ::chdir(repository->root().c_str()) != 0) {
    output.Note((repository ? ErrnoError(Quote(arguments.root), errno) : repository.error()).message);
    return 1;
  }
  QuietOutput quiet(output);
  if (auto status = AddHomeOptions(arguments); !status) {
    output.Note(status.error().message);
    return 1;
  }
  Output& shown = arguments.quiet || IsSet("SP6_FORMAT_TERSE") ? static_cast<Output&>(quiet) : output;
  children.SetBackgroundOutput(shown);
  if (!arguments.tags.empty()) ::setenv("SP6_TAGS", arguments.tags.c_str(), 1);  // tasks look there
  if (arguments.dump_task) ::setenv("SP6_DUMP_TASK_CODE", "1", 1);
  const char* pinned = ::getenv(kPluginRepositoryVariable);
  auto pins = FromVariable(pinned ? pinned : "");
  if (!pins) {
    output.Note(pins.error().message);
    return 1;
  }
  Job job(*repository, arguments.environment, std::move(*pins), children, shown);
  for (const std::string& action : arguments.actions)
    if (auto status = job.Check(action); !status) return job.Refuse(status.error());
  for (const std::string& action : arguments.actions) {
    // One action may install what the next one needs.
    if (arguments.in_container)
      if (auto status = job.CheckInterpreters(action); !status) return job.Refuse(status.error());
    if (int code = job.Run(action); code != 0) return code;
  }
  return 0;
}

}  // namespace cromt::step
