// cromt validate FILE…
#include "cli/command.h"
#include "cli/job_source.h"
#include "io/config/job_reader.h"

namespace cromt::cli {
namespace {

class Validate final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override { arguments.Words("FILE", files_, "job files"); }

  Result<ExitCode> Run(Session& session) override {
    bool all_ok = true;
    for (const std::string& file : files_) all_ok &= Check(session, file);
    return all_ok ? ExitCode::kDone : ExitCode::kBadInput;
  }

 private:
  static bool Check(Session& session, const std::string& name) {
    Validation validation{.file = name};
    auto reading = LoadJobFile(AbsolutePath(name, session.world()));
    if (!reading) {
      validation.diagnostics.push_back({Severity::kError, name, {}, reading.error().message});
    } else {
      validation.diagnostics = std::move(reading->diagnostics);
      validation.ok = reading->file.has_value();
      if (validation.ok)
        for (const Project& project : reading->file->projects) validation.projects.push_back(project.name);
    }
    for (Diagnostic& one : validation.diagnostics) {
      one.file = name;  // as the user wrote it
      session.messages().Complain(ToString(one));
    }
    session.output().Validated(validation);
    return validation.ok;
  }

  std::vector<std::string> files_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Validate>();
}

}  // namespace

const CommandInfo kValidateInfo = {
    .name = "validate",
    .usage = "FILE…",
    .summary = "check job files, say all errors",
    .about =
        "Checks job files and says everything that is wrong with them, each with its place.\n"
        "Needs no coordinator. Exit code 2 if a file has an error; warnings and notes are none.",
    .examples =
        "cromt validate jobs.yaml\n"
        "cromt validate -o json jobs.yaml | jq .diagnostics",
    .make = Make,
};

}  // namespace cromt::cli
