#include "cli/help.h"

#include <fmt/format.h>

namespace cromt::cli {
namespace {

std::string Indented(std::string_view lines) {
  std::string text = "  ";
  for (char c : lines) {
    text += c;
    if (c == '\n') text += "  ";
  }
  return text + "\n";
}

}  // namespace

std::string ProgramHelp(const Arguments& arguments) {
  std::string text =
      "cromt: runs the projects of a job file, here or on a mesh of agents.\n\n"
      "  cromt --conf FILE           applies a job file\n"
      "  cromt COMMAND …\n\nCommands:\n";
  for (const CommandInfo& info : Commands()) text += fmt::format("  {:<14}{}\n", info.name, info.summary);
  text += "\nExamples:\n";
  text += Indented(
      "cromt run hello.yaml                 run it here, no server needed\n"
      "cromt --conf jobs.yaml               make a coordinator know the file's projects\n"
      "cromt start hello --follow           start one of them there and watch\n"
      "cromt logs last                      what it printed");
  text += arguments.Help();
  text +=
      "\n'cromt COMMAND --help' tells more, with examples.\n"
      "Exit codes: 0 done, 1 the run did not succeed, 2 bad usage or input, 3 coordinator or agent can't be reached "
      "or\n"
      "refused, 4 --timeout passed, 130 interrupted.\n";
  return text;
}

std::string CommandHelp(const CommandInfo& info, const Arguments& arguments) {
  std::string text =
      fmt::format("cromt {}{}{}\n\n{}\n", info.name, info.usage.empty() ? "" : " ", info.usage, info.about);
  text += arguments.Help();
  text += "\nExamples:\n" + Indented(info.examples);
  return text;
}

void DeclareGlobals(Arguments& arguments, GlobalOptions& global, bool takes_dot) {
  arguments.Group("Options for all commands");
  arguments.Option("--coordinator", "ADDRESS", global.coordinator,
                   "HOST:PORT or a Unix socket; CROMT_COORDINATOR says the same");
  arguments.Option("-o,--output", takes_dot ? "text|json|quiet|dot" : "text|json|quiet", global.output,
                   "how results are written");
  arguments.Flag("--no-color", global.no_color, "no colours; NO_COLOR says the same");
  arguments.Flag("-h,--help", global.help, "show this");
  arguments.Flag("--version", global.version, "show the version");
}

}  // namespace cromt::cli
