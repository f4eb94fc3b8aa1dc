// cromt secrets set|list|remove: what jobs get and nobody reads.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/core_dump.h"
#include "base/name.h"
#include "base/unique_fd.h"
#include "cli/command.h"
#include "cli/job_source.h"
#include "core/secret.h"

namespace cromt::cli {
namespace {

// To its end, or one byte more than a value may have.
Result<std::string> ReadAll(int fd, const std::string& name) {
  std::string text(kMaxSecretBytes + 1, '\0');
  size_t size = 0;
  for (ssize_t got = 1; got != 0 && size < text.size();) {
    got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno != EINTR) return tl::unexpected<Error>(ErrnoError(name, errno));
    if (got > 0) size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

class Secrets final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("set|list|remove", verb_, "what to do");
    arguments.Word("NAME", name_, "which secret; not for 'list'");
    arguments.Option("--project", "P", project_, "whose: only tasks of this project may name it");
    arguments.Flag("--all-projects", all_, "one that tasks of any project may name");
    arguments.Option("--from-file", "FILE", file_, "take the value from FILE, byte for byte, not from standard input");
  }

  Result<ExitCode> Run(Session& session) override {
    if (verb_ != "set" && verb_ != "list" && verb_ != "remove")
      return Fail(ErrorCode::kInvalid, "secrets: unknown word " + Quote(verb_) + "; write set, list or remove");
    if (project_) CROMT_TRY(CheckName("--project", *project_));
    if (project_ && all_) return Fail(ErrorCode::kInvalid, "--project and --all-projects say different things");
    if (file_ && verb_ != "set") return Fail(ErrorCode::kInvalid, "--from-file is for 'secrets set'");
    if (verb_ == "list") return List(session);
    if (name_.empty()) return Fail(ErrorCode::kInvalid, fmt::format("secrets {}: which NAME?", verb_));
    CROMT_TRY(CheckName("secret", name_));
    if (!project_ && !all_)
      return Fail(ErrorCode::kInvalid, fmt::format("secrets {}: whose? Give --project P, or --all-projects", verb_));
    return verb_ == "set" ? Set(session) : Remove(session);
  }

 private:
  Result<ExitCode> List(Session& session) const {
    if (!name_.empty()) return Fail(ErrorCode::kInvalid, "secrets list: values can't be read, so it takes no NAME");
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto secrets, control->ListSecrets(project_.value_or("")));
    session.output().ListSecrets(secrets);
    return ExitCode::kDone;
  }

  Result<ExitCode> Set(Session& session) const {
    ForbidCoreDumps();
    SecretRequest request{project_.value_or(""), name_, {}, session.world().user};
    CROMT_ASSIGN(request.value, Value(session));
    CROMT_TRY(CheckSecretValue(name_, request.value));
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto warnings, control->SetSecret(request));
    for (const std::string& warning : warnings) session.messages().Warn(warning);
    session.output().SecretIs("set", request.project, name_);
    return ExitCode::kDone;
  }

  Result<ExitCode> Remove(Session& session) const {
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_TRY(control->RemoveSecret(project_.value_or(""), name_));
    session.output().SecretIs("removed", project_.value_or(""), name_);
    return ExitCode::kDone;
  }

  // Never from the command line, which everybody on this machine can read. `echo` and editors end a line that nobody
  // means as part of a password; a file is taken as it is.
  Result<std::string> Value(Session& session) const {
    if (file_) {
      const UniqueFd file(::open(AbsolutePath(*file_, session.world()).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
      if (!file) return tl::unexpected<Error>(ErrnoError(*file_, errno));
      return ReadAll(file.get(), *file_);
    }
    if (session.world().input_is_terminal)
      session.messages().Say("type the value, which is shown as you type; then Enter and Ctrl-D");
    CROMT_ASSIGN(std::string value, ReadAll(session.world().input, "standard input"));
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
    return value;
  }

  std::string verb_, name_;
  std::optional<std::string> project_, file_;
  bool all_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Secrets>();
}

}  // namespace

const CommandInfo kSecretsInfo = {
    .name = "secrets",
    .usage = "set NAME | list | remove NAME  [--project P | --all-projects]",
    .summary = "give jobs passwords and keys that nobody reads",
    .about =
        "Sets, lists and removes the secrets that the coordinator keeps, encrypted, for tasks that name them in the "
        "job\n"
        "file (secrets: [{name: NAME, env: VARIABLE}]). 'set' reads the value from standard input, without the line\n"
        "end behind it, or from a file; never from the command line. A value can't be read back: set it again.",
    .examples =
        "cromt secrets set db-password --project deploy < password.txt\n"
        "cromt secrets set key --project deploy --from-file key.pem\n"
        "cromt secrets list --project deploy\n"
        "cromt secrets remove key --project deploy",
    .make = Make,
};

}  // namespace cromt::cli
