#include "tests/sim/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>

#include "tests/sim/simulate.h"

namespace cromt::sim {
namespace {

struct Arguments {
  uint64_t seed = 0;
  uint64_t count = 0;
  uint64_t from = 1;
  std::string output = "text";
  bool verbose = false;
};

void Print(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

bool RunSeed(uint64_t seed, const Arguments& arguments) {
  SimOptions options{.seed = seed};
  // With JSON lines on stdout the story goes where messages go.
  std::FILE* story = arguments.output == "json" ? stderr : stdout;
  if (arguments.verbose)
    options.story = [story](const std::string& line) { std::fprintf(story, "%s\n", line.c_str()); };
  SimReport report = Simulate(options);
  if (arguments.output == "json") Print(JsonLine(report));
  if (arguments.output == "text") Print(Summary(report));
  return report.violations.empty();
}

}  // namespace

int RunProgram(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Simulates the whole cluster in one process, from a seed", "cromt-sim");
  auto* seed = app.add_option("--seed", arguments.seed, "one seed");
  auto* count =
      app.add_option("--seeds", arguments.count, "so many seeds")->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32));
  count->excludes(seed);
  app.add_option("--from", arguments.from, "the first of --seeds (default 1)")->needs(count);
  app.add_option("-o,--output", arguments.output, "text, json or quiet")
      ->check(CLI::IsMember({"text", "json", "quiet"}));
  app.add_flag("-v,--verbose", arguments.verbose, "tell the story");
  try {
    app.parse(argc, argv);
    if (seed->empty() && count->empty()) throw CLI::RequiredError("--seed or --seeds");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (count->empty()) arguments.from = arguments.seed, arguments.count = 1;
  uint64_t bad = 0;
  for (uint64_t i = 0; i < arguments.count; ++i) bad += !RunSeed(arguments.from + i, arguments);
  return bad == 0 ? 0 : 1;
}

}  // namespace cromt::sim
