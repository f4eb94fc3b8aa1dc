// cromt validate FILE|FOLDER…
#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/job_source.h"
#include "io/config/job_reader.h"
#include "io/zone/zones.h"

namespace cromt::cli {
namespace {

class Validate final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Words("FILE", files_, "job files, or folders of actions");
  }

  Result<ExitCode> Run(Session& session) override {
    bool all_ok = true;
    for (const std::string& file : files_) {
      std::error_code error;  // what can't be looked at is said by who reads it
      const bool is_folder = std::filesystem::is_directory(AbsolutePath(file, session.world()), error);
      Validation validation = is_folder ? CheckActions(session, file) : CheckJobs(session, file);
      for (const Diagnostic& one : validation.diagnostics) session.messages().Complain(ToString(one));
      session.output().Validated(validation);
      all_ok &= validation.ok;
    }
    return all_ok ? ExitCode::kDone : ExitCode::kBadInput;
  }

 private:
  static Validation CheckJobs(Session& session, const std::string& name) {
    Validation validation{.file = name};
    Zones zones;
    auto reading = LoadJobFile(AbsolutePath(name, session.world()), zones.Checker());
    if (!reading) {
      validation.diagnostics.push_back({Severity::kError, name, {}, reading.error().message});
    } else {
      validation.diagnostics = std::move(reading->diagnostics);
      validation.ok = reading->file.has_value();
      if (validation.ok)
        for (const Project& project : reading->file->projects) validation.projects.push_back(project.name);
    }
    for (Diagnostic& one : validation.diagnostics) one.file = name;  // as the user wrote it
    return validation;
  }

  static Validation CheckActions(Session& session, const std::string& name) {
    Validation validation{.file = name};
    auto repository = step::Repository::Open(AbsolutePath(name, session.world()));
    auto survey = repository ? step::SurveyRepository(*repository) : tl::unexpected(repository.error());
    if (!survey) {
      validation.diagnostics.push_back({Severity::kError, name, {}, survey.error().message});
      return validation;
    }
    validation.diagnostics = std::move(survey->diagnostics);
    validation.ok = std::ranges::none_of(validation.diagnostics,
                                         [](const Diagnostic& one) { return one.severity == Severity::kError; });
    if (name != ".")
      for (Diagnostic& one : validation.diagnostics) one.file = name + (name.ends_with('/') ? "" : "/") + one.file;
    if (survey->scenarios.empty() && survey->tasks == 0)
      validation.diagnostics.push_back({Severity::kWarning, name, {}, "no scenario in .tom/ and no task in tasks/"});
    validation.actions = std::move(*survey);
    return validation;
  }

  std::vector<std::string> files_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Validate>();
}

}  // namespace

const CommandInfo kValidateInfo = {
    .name = "validate",
    .usage = "FILE|FOLDER…",
    .summary = "check job files and actions, say all errors",
    .about =
        "Checks job files and says everything that is wrong with them, each with its place.\n"
        "Of a folder of actions (.tom/, tasks/): which scenarios cromt reads itself, which need\n"
        "rakudo and why, and what can't be run. Runs nothing of it.\n"
        "Needs no coordinator. Exit code 2 if a file has an error; warnings and notes are none.",
    .examples =
        "cromt validate jobs.yaml\n"
        "cromt validate .\n"
        "cromt validate -o json jobs.yaml | jq .diagnostics",
    .make = Make,
};

}  // namespace cromt::cli
