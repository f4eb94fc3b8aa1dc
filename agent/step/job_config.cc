#include "agent/step/job_config.h"

#include <fmt/format.h>

#include "agent/step/scenario/parser.h"
#include "agent/step/task/task_dir.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr std::string_view kFolder = ".tom/env";
constexpr std::string_view kDefault = "default";
constexpr size_t kMaxEnvironmentBytes = 4096;  // of .tom/env/current

std::string FileOf(std::string_view environment) {
  return environment == kDefault ? fmt::format("{}/config.raku", kFolder)
                                 : fmt::format("{}/config.{}.raku", kFolder, environment);
}

// What `tom --env-set` wrote.
Result<std::string> CurrentEnvironment(const Repository& repository) {
  const std::string file = fmt::format("{}/current", kFolder);
  CROMT_ASSIGN(const bool found, repository.IsFile(file));
  if (!found) return std::string(kDefault);
  CROMT_ASSIGN(std::string name, repository.Read(file, kMaxEnvironmentBytes));
  name.erase(name.find_last_not_of(" \t\r\n") + 1);
  if (name.empty()) return std::string(kDefault);
  CROMT_TRY(CheckName("the environment in " + file, name));
  return name;
}

// Of SP6_CONFIG; empty if there is none of the repository.
std::string OtherFile(const Repository& repository, ScenarioHost& host) {
  auto path = RelativePath(repository.root(), host.Environment("SP6_CONFIG").value_or(""));
  return path && repository.IsFile(*path).value_or(false) ? *path : "";
}

class Reader {
 public:
  Reader(const Repository& repository, const ReadConfigFile& read) : repository_(repository), read_(read) {}

  // Beneath what is there already, if there is such a file.
  Status Add(const std::string& file, std::string_view verb) {
    CROMT_ASSIGN(const bool found, repository_.IsFile(file));
    if (!found) return {};
    CROMT_ASSIGN(const std::string text, repository_.Read(file, kMaxScenarioBytes));
    CROMT_ASSIGN(Map values, read_(file, text));
    config.values = MergeMaps(std::move(values), config.values);
    config.sources.push_back(fmt::format("{} from {}", verb, file));
    return {};
  }

  JobConfig config;

 private:
  const Repository& repository_;
  const ReadConfigFile& read_;
};

}  // namespace

Result<JobConfig> ReadJobConfig(const Repository& repository, const std::string& environment, ScenarioHost& host,
                                const ReadConfigFile& read) {
  std::string name = environment;
  if (name.empty()) {
    CROMT_ASSIGN(name, CurrentEnvironment(repository));
  }
  Reader reader(repository, read);
  CROMT_TRY(reader.Add(FileOf(name), "load configuration"));
  CROMT_TRY(reader.Add(fmt::format("{}/config.any.raku", kFolder), "mix in common configuration"));
  if (!reader.config.sources.empty()) return std::move(reader.config);
  if (const std::string file = OtherFile(repository, host); !file.empty())
    CROMT_TRY(reader.Add(file, "load configuration"));
  return std::move(reader.config);
}

}  // namespace cromt::step
