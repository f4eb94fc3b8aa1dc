#include "tests/sim/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/sim/shrink.h"
#include "tests/sim/simulate.h"
#include "tests/sim/situations.h"

namespace cromt::sim {
namespace {

constexpr int kShrinkTries = 2000;

struct Arguments {
  uint64_t seed = 0;
  uint64_t count = 0;
  uint64_t from = 1;
  size_t hosts = 0;
  Part part;
  std::string output = "text";
  bool verbose = false;
  bool shrink = false;
  bool situations = false;
  bool list = false;
};

// "2,5" or "none". Throws what CLI11 shows.
std::set<uint64_t> Numbers(const std::string& text) {
  std::set<uint64_t> numbers;
  if (text == "none") return numbers;
  for (const std::string& word : CLI::detail::split(text, ',')) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number == 0)
      throw CLI::ValidationError("'" + word + "' is no number of a start or fault; they are numbered from 1");
    numbers.insert(number);
  }
  return numbers;
}

void Print(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

bool RunSeed(uint64_t seed, const Arguments& arguments, std::map<std::string, uint64_t>& situations) {
  SimOptions options{.seed = seed, .part = arguments.part, .hosts = arguments.hosts};
  // With JSON lines on stdout the story goes where messages go.
  std::FILE* story = arguments.output == "json" ? stderr : stdout;
  if (arguments.verbose)
    options.story = [story](const std::string& line) { std::fprintf(story, "%s\n", line.c_str()); };
  if (arguments.shrink) {
    const auto story_of_the_last = std::exchange(options.story, {});
    Shrunk shrunk = Shrink(options, Simulate, kShrinkTries, Print);
    Print(fmt::format("after {} simulations:", shrunk.tries));
    options.part = shrunk.part;
    options.story = story_of_the_last;
  }
  SimReport report = Simulate(options);
  for (const auto& [situation, times] : report.situations) situations[situation] += times;
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
  app.add_option("--hosts", arguments.hosts, "so many of them (default: 2 to 5, by the seed)")
      ->check(CLI::Range(1, 50));
  app.add_flag("-v,--verbose", arguments.verbose, "tell the story");
  std::string starts, faults, jobs;
  app.add_option("--starts", starts, "of the clients' starts only these: 2,5 or none");
  app.add_option("--faults", faults, "of the faults only these");
  app.add_option("--jobs", jobs, "of the jobs that agents are given without a coordinator only these");
  bool nothing_by_itself = false;
  app.add_flag("--no-self-starts", nothing_by_itself, "no schedule, push or hook");
  app.add_flag("--shrink", arguments.shrink, "of a seed that fails, find a small part that still does")->needs(seed);
  app.add_flag("--list-situations", arguments.list,
               "what must occur in some thousand seeds, a line each, and nothing else");
  app.add_flag("--situations", arguments.situations, "as a last line, what has occurred how often, as JSON");
  try {
    app.parse(argc, argv);
    if (seed->empty() && count->empty() && !arguments.list) throw CLI::RequiredError("--seed or --seeds");
    if (!starts.empty()) arguments.part.starts = Numbers(starts);
    if (!faults.empty()) arguments.part.faults = Numbers(faults);
    if (!jobs.empty()) arguments.part.jobs = Numbers(jobs);
    arguments.part.self_starts = !nothing_by_itself;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (count->empty()) arguments.from = arguments.seed, arguments.count = 1;
  if (arguments.list) {
    for (const std::string& situation : ListedSituations()) Print(situation);
    return 0;
  }
  uint64_t bad = 0;
  std::map<std::string, uint64_t> situations;
  for (uint64_t i = 0; i < arguments.count; ++i) bad += !RunSeed(arguments.from + i, arguments, situations);
  if (arguments.situations) Print(nlohmann::json{{"situations", situations}}.dump());
  return bad == 0 ? 0 : 1;
}

}  // namespace cromt::sim
