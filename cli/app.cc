#include "cli/app.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "base/version.h"
#include "cli/command.h"
#include "cli/help.h"
#include "core/diagnostic.h"

namespace cromt::cli {
namespace {

std::string Version() {
  return fmt::format("cromt {}\n", VersionText());
}

// What people try, and what it is called here.
std::string_view HintFor(std::string_view word) {
  if (word == "apply") return "; 'cromt --conf FILE' applies a job file";
  if (word == "stop" || word == "kill") return "; did you mean 'cancel'?";
  if (word == "log" || word == "tail") return "; did you mean 'logs'?";
  if (word == "list" || word == "ls" || word == "ps") return "; did you mean 'runs'?";
  if (word == "status" || word == "get") return "; did you mean 'show'?";
  return "";
}

Error UnknownCommand(const std::string& word) {
  std::string hint(HintFor(word));
  if (hint.empty()) {
    std::vector<std::string_view> names = {"help"};
    for (const CommandInfo& info : Commands()) names.push_back(info.name);
    hint = DidYouMean(word, names);
  }
  return {ErrorCode::kInvalid,
          fmt::format("unknown command {}{}\n'cromt --help' lists the commands", Quote(word), hint)};
}

Result<Format> FormatOf(const GlobalOptions& global, bool takes_dot) {
  const std::string word = global.output.value_or("text");
  if (word == "text") return Format::kText;
  if (word == "json") return Format::kJson;
  if (word == "quiet") return Format::kQuiet;
  if (word == "dot" && takes_dot) return Format::kDot;
  return Fail(ErrorCode::kInvalid, fmt::format("--output: {} is none of text, json, quiet{}", Quote(word),
                                               word == "dot" ? "; dot is for 'cromt plan'" : ""));
}

class App {
 public:
  App(const Backends& backends, const World& world) : backends_(backends), world_(world) {}

  int Run(const std::vector<std::string>& words) {
    auto code = Dispatch(words);
    if (!code) Complain(code.error());
    ExitCode exit = code ? *code : ExitCodeFor(code.error().code);
    // A full disk behind `> file`; a reader that left is nobody's mistake.
    if (const auto failure = world_.out.failure(); failure && failure->code != ErrorCode::kCanceled) {
      Complain(*failure);
      if (exit == ExitCode::kDone) exit = ExitCode::kRefused;
    }
    return static_cast<int>(exit);
  }

 private:
  Result<ExitCode> Dispatch(const std::vector<std::string>& words) {
    Arguments front;
    const auto apply = kApplyInfo.make();
    front.Group("Options for applying a file");
    apply->Declare(front, global_);
    DeclareGlobals(front, global_, false);
    CROMT_ASSIGN(std::vector<std::string> rest, front.ParseFront(words));
    if (global_.version) return Print(Version());
    const bool asks_help = !rest.empty() && rest[0] == "help";
    if (asks_help) rest.erase(rest.begin());
    global_.help |= asks_help;
    if (rest.empty() && global_.help) return Print(ProgramHelp(front));
    if (rest.empty()) return Execute(*apply, false);
    const CommandInfo* info = FindCommand(rest[0]);
    if (!info) return tl::unexpected<Error>(UnknownCommand(rest[0]));
    CROMT_TRY(CheckFront({words.begin(), words.end() - static_cast<ptrdiff_t>(rest.size())}, info->name));
    rest.erase(rest.begin());
    return RunCommand(*info, std::move(rest));
  }

  // Options in front of a command that mean something without one only.
  static Status CheckFront(const std::vector<std::string>& words, std::string_view command) {
    for (const std::string& word : words)
      for (std::string_view option : {"--dry-run", "--prune", "--if-revision"})
        if (word.substr(0, word.find('=')) == option)
          return Fail(ErrorCode::kInvalid, fmt::format("{} is for applying a file, not for '{}'", option, command));
    return {};
  }

  Result<ExitCode> RunCommand(const CommandInfo& info, std::vector<std::string> words) {
    const auto command = info.make();
    const bool takes_dot = info.name == "plan";
    Arguments arguments;
    arguments.Group("Arguments");
    command->Declare(arguments, global_);
    DeclareGlobals(arguments, global_, takes_dot);
    auto parsed = arguments.Parse(std::move(words));
    const auto names = arguments.OptionNames();
    if (parsed && global_.conf && std::find(names.begin(), names.end(), "--conf") == names.end())
      parsed = Fail(ErrorCode::kInvalid, "takes no --conf");
    if (global_.version) return Print(Version());
    if (global_.help) return Print(CommandHelp(info, arguments));
    if (!parsed)
      return Fail(parsed.error().code,
                  fmt::format("{}: {}\n'cromt {} --help' tells more", info.name, parsed.error().message, info.name));
    return Execute(*command, takes_dot);
  }

  Result<ExitCode> Execute(Command& command, bool takes_dot) {
    CROMT_ASSIGN(const Format format, FormatOf(global_, takes_dot));
    Session session(world_, backends_, global_, format);
    return command.Run(session);
  }

  Result<ExitCode> Print(const std::string& text) {
    world_.out.Write(text);
    return ExitCode::kDone;
  }

  void Complain(const Error& error) { Messages(world_.err, true, Palette(false)).Complain(error.message); }

  const Backends& backends_;
  const World& world_;
  GlobalOptions global_;
};

}  // namespace

int RunCli(const std::vector<std::string>& words, const Backends& backends, const World& world) {
  return App(backends, world).Run(words);
}

}  // namespace cromt::cli
