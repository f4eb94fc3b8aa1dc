// cromt completion bash|zsh|fish: made from what the commands declare.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/name.h"
#include "cli/command.h"
#include "cli/help.h"

namespace cromt::cli {
namespace {

// What a shell can offer in the place of a value or word.
struct Offer {
  bool files = false;
  std::vector<std::string> words;
};

// By what help calls the value: "FILE", "text|json|quiet", "N".
Offer OfferFor(std::string_view value) {
  Offer offer;
  offer.files =
      value.starts_with("FILE") || value.ends_with("FILE") || value == "F" || value == "DIR" || value == "PATH";
  if (value.starts_with("RUN")) offer.words = {"last"};
  if (value == "SHELL") offer.words = {"bash", "zsh", "fish"};
  if (value.find('|') == std::string_view::npos || offer.files) return offer;
  for (; !value.empty(); value.remove_prefix(std::min(value.find('|') + 1, value.size()))) {
    const size_t end = std::min(value.find('|'), value.size());
    offer.words.emplace_back(value.substr(0, end));
    if (end == value.size()) break;
  }
  return offer;
}

// What a command takes; without a name, `cromt` itself.
struct Takes {
  std::string command;
  std::vector<Arguments::OptionInfo> options;
  Offer words;
};

Takes TakesOf(const CommandInfo& info) {
  Arguments arguments;
  GlobalOptions global;
  const auto command = info.make();
  command->Declare(arguments, global);
  DeclareGlobals(arguments, global, info.name == "plan");
  Takes takes{std::string(info.name), arguments.Options(), {}};
  for (const std::string& name : arguments.WordNames()) {
    Offer offer = OfferFor(name);
    takes.words.files |= offer.files;
    takes.words.words.insert(takes.words.words.end(), offer.words.begin(), offer.words.end());
  }
  return takes;
}

std::vector<Takes> All() {
  std::vector<Takes> all;
  for (const CommandInfo& info : Commands()) all.push_back(TakesOf(info));
  all.push_back(TakesOf(kApplyInfo));
  all.back().words.words.emplace_back("help");
  for (const CommandInfo& info : Commands()) all.back().words.words.emplace_back(info.name);
  return all;
}

std::string CommandNames(std::string_view separator) {
  std::vector<std::string_view> names;
  for (const CommandInfo& info : Commands()) names.push_back(info.name);
  return fmt::format("{}", fmt::join(names, separator));
}

// ---- bash, zsh --------------------------------------------------------------------------------

// A case for each command: its options, which of them take a value, what else may stand there, and what stands for the
// value of $previous.
std::string CommandCases() {
  std::string cases;
  for (const Takes& takes : All()) {
    std::vector<std::string> options, valued;
    std::string values;
    for (const auto& option : takes.options) {
      options.insert(options.end(), option.names.begin(), option.names.end());
      if (option.value.empty()) continue;
      valued.insert(valued.end(), option.names.begin(), option.names.end());
      const Offer offer = OfferFor(option.value);
      values += fmt::format("        {}) offered='{}' files={} ;;\n", fmt::join(option.names, "|"),
                            fmt::join(offer.words, " "), offer.files ? 1 : 0);
    }
    cases += fmt::format("    {})\n      options='{}' valued='{}'\n", takes.command.empty() ? "''" : takes.command,
                         fmt::join(options, " "), fmt::join(valued, " "));
    cases += fmt::format("      offered='{}' files={}\n", fmt::join(takes.words.words, " "), takes.words.files ? 1 : 0);
    cases += fmt::format("      case $previous in\n{}      esac ;;\n", values);
  }
  return cases;
}

// The function that tells, for a command and the option before the cursor, what can be offered. Both shells read it.
std::string OffersFunction() {
  return "# Sets options, valued, offered and files for $command and $previous.\n"
         "_cromt_offers() {\n"
         "  case $command in\n" +
         CommandCases() +
         "  esac\n"
         "}\n\n"
         "# Takes the words in front of the cursor; sets command and, where a value is due, previous.\n"
         "_cromt_read() {\n"
         "  local word\n"
         "  command='' previous=''\n"
         "  for word in \"$@\"; do\n"
         "    if [[ -n $previous ]]; then\n"
         "      [[ $word == '=' ]] || previous=''\n"  // bash takes '=' as a word of its own
         "      continue\n"
         "    fi\n"
         "    _cromt_offers\n"
         "    if [[ \" $valued \" == *\" $word \"* ]]; then\n"
         "      previous=$word\n"
         "    elif [[ -z $command && \" " +
         CommandNames(" ") +
         " \" == *\" $word \"* ]]; then\n"
         "      command=$word\n"
         "    fi\n"
         "  done\n"
         "}\n\n";
}

std::string Bash() {
  return OffersFunction() +
         "_cromt() {\n"
         "  local command previous options valued offered files current=${COMP_WORDS[COMP_CWORD]}\n"
         "  _cromt_read \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
         "  _cromt_offers\n"
         "  [[ $current == '=' ]] && current=''\n"
         "  COMPREPLY=()\n"
         "  if [[ -z $previous && ( $current == -* || ( -z $offered && $files == 0 ) ) ]]; then\n"
         "    offered=$options files=0\n"
         "  fi\n"
         "  [[ -z $offered ]] || COMPREPLY=($(compgen -W \"$offered\" -- \"$current\"))\n"
         "  # With nothing to offer, bash itself offers the names of files.\n"
         "  [[ $files == 1 ]] || compopt +o default 2>/dev/null\n"
         "}\n"
         "complete -o default -F _cromt cromt\n";
}

std::string Zsh() {
  return "#compdef cromt\n" + OffersFunction() +
         "_cromt() {\n"
         "  local command previous options valued offered files current=$words[CURRENT]\n"
         "  _cromt_read \"${(@)words[2,CURRENT-1]}\"\n"
         "  if [[ -z $previous && $current == --*=* ]]; then\n"
         "    previous=${current%%=*} current=${current#*=}\n"
         "    compset -P '*='\n"
         "  fi\n"
         "  _cromt_offers\n"
         "  if [[ -z $previous && ( $current == -* || ( -z $offered && $files == 0 ) ) ]]; then\n"
         "    offered=$options files=0\n"
         "  fi\n"
         "  [[ -z $offered ]] || compadd -- ${=offered}\n"
         "  [[ $files == 0 ]] || _files\n"
         "}\n"
         "compdef _cromt cromt\n";
}

// ---- fish -------------------------------------------------------------------------------------

// What follows the condition: the option or word, and what stands for its value.
std::string FishValue(const Offer& offer) {
  if (offer.files) return offer.words.empty() ? "-rF" : fmt::format("-rF -a '{}'", fmt::join(offer.words, " "));
  return offer.words.empty() ? "-x" : fmt::format("-xa '{}'", fmt::join(offer.words, " "));
}

std::string Fish() {
  std::string text = "complete -c cromt -f\n";
  const std::string none_yet = "not __fish_seen_subcommand_from " + CommandNames(" ");
  for (const CommandInfo& info : Commands())
    text += fmt::format("complete -c cromt -n '{}' -a {} -d \"{}\"\n", none_yet, info.name, info.summary);
  for (const Takes& takes : All()) {
    const std::string when = fmt::format(
        "complete -c cromt -n '{}'", takes.command.empty() ? none_yet : "__fish_seen_subcommand_from " + takes.command);
    for (const auto& option : takes.options) {
      text += when;
      for (const std::string& name : option.names)
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      text += option.value.empty() ? "\n" : " " + FishValue(OfferFor(option.value)) + "\n";
    }
    if (takes.command.empty()) continue;
    if (takes.words.files) text += when + " -F\n";
    if (!takes.words.words.empty()) text += fmt::format("{} -a '{}'\n", when, fmt::join(takes.words.words, " "));
  }
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
