// cromt completion bash|zsh|fish: made from what the commands declare.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/name.h"
#include "cli/command.h"
#include "cli/help.h"

namespace cromt::cli {
namespace {

std::vector<std::string> OptionsOf(const CommandInfo& info) {
  Arguments arguments;
  GlobalOptions global;
  const auto command = info.make();
  command->Declare(arguments, global);
  DeclareGlobals(arguments, global, info.name == "plan");
  return arguments.OptionNames();
}

std::string CommandNames() {
  std::string names;
  for (const CommandInfo& info : Commands()) names.append(names.empty() ? "" : " ").append(info.name);
  return names;
}

// bash and zsh: the words that may follow, by command; file names where nothing fits.
std::string WordCases() {
  std::string cases;
  for (const CommandInfo& info : Commands())
    cases += fmt::format("    {}) words=\"{}\" ;;\n", info.name, fmt::join(OptionsOf(info), " "));
  return cases + fmt::format("    *) words=\"{} {}\" ;;\n", CommandNames(), fmt::join(OptionsOf(kApplyInfo), " "));
}

std::string Bash() {
  return "_cromt() {\n"
         "  local word command='' words current=${COMP_WORDS[COMP_CWORD]}\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \" " +
         CommandNames() +
         " \" in *\" $word \"*) command=$word; break ;; esac\n"
         "  done\n"
         "  case $command in\n" +
         WordCases() +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _cromt cromt\n";
}

std::string Zsh() {
  return "#compdef cromt\n"
         "_cromt() {\n"
         "  local word command='' words_of words\n"
         "  words_of=(${=BUFFER})\n"
         "  for word in ${words_of[2,-1]}; do\n"
         "    case \" " +
         CommandNames() +
         " \" in *\" $word \"*) command=$word; break ;; esac\n"
         "  done\n"
         "  case $command in\n" +
         WordCases() +
         "  esac\n"
         "  compadd -- ${=words} || _files\n"
         "}\n"
         "compdef _cromt cromt\n";
}

std::string Fish() {
  std::string text;
  const std::string no_command = "not __fish_seen_subcommand_from " + CommandNames();
  for (const CommandInfo& info : Commands()) {
    text += fmt::format("complete -c cromt -n '{}' -a {} -d '{}'\n", no_command, info.name, info.summary);
    for (const std::string& option : OptionsOf(info))
      if (option.starts_with("--"))
        text +=
            fmt::format("complete -c cromt -n '__fish_seen_subcommand_from {}' -l {}\n", info.name, option.substr(2));
  }
  for (const std::string& option : OptionsOf(kApplyInfo))
    if (option.starts_with("--"))
      text += fmt::format("complete -c cromt -n '{}' -l {}\n", no_command, option.substr(2));
  return text;
}

class Completion final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("SHELL", shell_, "bash, zsh or fish");
  }

  Result<ExitCode> Run(Session& session) override {
    Writer& out = session.world().out;
    if (shell_ == "bash") return Print(out, Bash());
    if (shell_ == "zsh") return Print(out, Zsh());
    if (shell_ == "fish") return Print(out, Fish());
    return Fail(ErrorCode::kInvalid, Quote(shell_) + " is none of bash, zsh, fish");
  }

 private:
  static Result<ExitCode> Print(Writer& out, const std::string& text) {
    out.Write(text);
    return ExitCode::kDone;
  }

  std::string shell_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Completion>();
}

}  // namespace

const CommandInfo kCompletionInfo = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "print a shell's completion script",
    .about = "Prints a script that lets the shell complete commands and options.",
    .examples =
        "source <(cromt completion bash)\n"
        "cromt completion fish > ~/.config/fish/completions/cromt.fish",
    .make = Make,
};

}  // namespace cromt::cli
