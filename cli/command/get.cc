// cromt get RUN [HOST/]NAME [--to PATH]
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/name.h"
#include "base/unique_fd.h"
#include "cli/command.h"
#include "cli/run_word.h"
#include "io/archive/extract.h"

namespace cromt::cli {
namespace {

namespace fs = std::filesystem;

// What has come so far, in a file beside the place where it will be; gone if that never happens.
class Arriving {
 public:
  explicit Arriving(const std::string& to) : path_(to + ".part") {}
  ~Arriving() {
    if (file_) ::unlink(path_.c_str());
  }
  Status Open() {
    file_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (file_) return {};
    if (errno == EEXIST)
      return Fail(ErrorCode::kConflict, path_ + " is there already: another 'cromt get' writes it, or was killed");
    return tl::unexpected<Error>(ErrnoError("can't make " + path_, errno));
  }
  Status Append(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write " + path_, errno));
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }
  Status Place(const std::string& to, bool archive) {
    if (!archive) {
      // A link, for a rename would replace what somebody has put there meanwhile.
      if (::link(path_.c_str(), to.c_str()) != 0) return tl::unexpected<Error>(ErrnoError("can't make " + to, errno));
      return {};
    }
    if (::mkdir(to.c_str(), 0777) != 0) return tl::unexpected<Error>(ErrnoError("can't make " + to, errno));
    ::lseek(file_.get(), 0, SEEK_SET);
    auto extracted = ExtractArchive(file_.get(), to);
    if (!extracted) return Fail(to + " is not complete", extracted.error());
    return {};
  }

 private:
  std::string path_;
  UniqueFd file_;
};

class Get final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("RUN", run_, "a run's id, a unique prefix of it, or 'last'");
    arguments.RequiredWord("NAME", name_, "NAME, or HOST/NAME; of several hosts the last listed one is meant");
    arguments.Option("--to", "PATH", to_, "where to put it; NAME in the current directory unless given");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckRunWord(run_));
    size_t slash = name_.rfind('/');
    const std::string host = slash == std::string::npos ? "" : name_.substr(0, slash);
    const std::string name = slash == std::string::npos ? name_ : name_.substr(slash + 1);
    CROMT_TRY(CheckName("artifact", name));
    if (!host.empty()) CROMT_TRY(CheckName("host", host));
    const std::string to = to_.value_or(name);
    std::error_code error;
    if (fs::exists(fs::symlink_status(to, error)))
      return Fail(ErrorCode::kInvalid, to + " is there already; name another place with --to");
    CROMT_ASSIGN(const auto control, session.Connect());
    std::optional<ArtifactView> artifact;
    Arriving file(to);
    CROMT_TRY(control->GetArtifact(
        run_, host, name, session.world().user,
        [&](const ArtifactView& found) {
          artifact = found;
          return file.Open();
        },
        [&](std::string_view bytes) { return file.Append(bytes); }));
    if (!artifact) return Fail(ErrorCode::kInternal, "the coordinator said nothing of the artifact");
    CROMT_TRY(file.Place(to, artifact->archive));
    session.output().Got(*artifact, to);
    return ExitCode::kDone;
  }

 private:
  std::string run_;
  std::string name_;
  std::optional<std::string> to_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Get>();
}

}  // namespace

const CommandInfo kGetInfo = {
    .name = "get",
    .usage = "RUN [HOST/]NAME [--to PATH]",
    .summary = "fetch an artifact of a run",
    .about =
        "Fetches what a task has published from the agent that keeps it, through the coordinator: a file as a file, a\n"
        "directory or several files as a directory. Nothing that is there already is overwritten.",
    .examples =
        "cromt get last patch.sql\n"
        "cromt get last web1/report --to /tmp/report",
    .make = Make,
};

}  // namespace cromt::cli
