// cromt history [PROJECT]: the applied revisions of job files; what one changed, its text, and how it comes back.
#include <fmt/format.h>

#include "base/name.h"
#include "cli/command.h"
#include "cli/project_word.h"
#include "cli/revision_output.h"
#include "cli/start_flags.h"

namespace cromt::cli {
namespace {

constexpr uint32_t kDefaultRevisions = 50;
constexpr uint32_t kMostRevisions = 10'000;

bool IsVerb(std::string_view word) {
  return word == "diff" || word == "show" || word == "apply";
}

class History final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.Word("diff|show|apply", word_,
                   "what to do with revision N; any other word is a PROJECT, whose revisions are listed");
    arguments.Word("N", n_, "the number of a revision");
    arguments.Word("M", m_, "diff: against this one instead of the one before N");
    arguments.Option("--project", "PROJECT", project_, "whose revisions are listed, also if it is called like a verb");
    arguments.Option("--limit", "N", limit_, "how many are listed, the newest first; 50 unless given");
    arguments.Flag("--dry-run", wish_.dry_run, "apply: say what would change, change nothing");
    arguments.Flag("--prune", wish_.prune, "apply: also remove the projects that are not in revision N");
    arguments.Option("--if-revision", "N", if_revision_, "apply: only if the file is at this revision now");
  }

  Result<ExitCode> Run(Session& session) override {
    CROMT_TRY(CheckFlags());
    if (word_ == "diff") return Diff(session);
    if (word_ == "show") return Show(session);
    if (word_ == "apply") return Apply(session);
    return List(session);
  }

 private:
  Status CheckFlags() const {
    if (!m_.empty() && word_ != "diff")
      return Fail(ErrorCode::kInvalid, fmt::format("history: unexpected word {}", Quote(m_)));
    if (!n_.empty() && !IsVerb(word_))
      return Fail(ErrorCode::kInvalid,
                  fmt::format("history: unknown word {}; write diff, show or apply, or one PROJECT", Quote(word_)));
    if (word_ != "apply" && (wish_.dry_run || wish_.prune || if_revision_))
      return Fail(ErrorCode::kInvalid, "--dry-run, --prune and --if-revision are for 'cromt history apply N'");
    if (IsVerb(word_) && (limit_ || project_))
      return Fail(ErrorCode::kInvalid, "--limit and --project are for a list of revisions");
    if (project_ && !word_.empty()) return Fail(ErrorCode::kInvalid, "name one project, as a word or with --project");
    return {};
  }

  Result<RevisionText> Get(Control& control, const std::string& word) const {
    if (word.empty())
      return Fail(ErrorCode::kInvalid,
                  fmt::format("history {}: which revision? `cromt history` lists their numbers, and `cromt history "
                              "--project {}` those of a project of that name",
                              word_, word_));
    CROMT_ASSIGN(const auto number, ReadNumber("history " + word_, word, INT64_MAX));
    return control.GetRevision(*number);
  }

  Result<ExitCode> Diff(Session& session) const {
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const RevisionText after, Get(*control, n_));
    std::optional<RevisionText> before;
    if (!m_.empty()) {
      CROMT_ASSIGN(before, Get(*control, m_));
    } else if (after.before != 0) {
      CROMT_ASSIGN(before, control->GetRevision(after.before));
    }
    ShowDiff(session, before ? &*before : nullptr, after);
    return ExitCode::kDone;
  }

  Result<ExitCode> Show(Session& session) const {
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const RevisionText revision, Get(*control, n_));
    ShowText(session, revision);
    return ExitCode::kDone;
  }

  // As `cromt --conf` applies a file that holds this text.
  Result<ExitCode> Apply(Session& session) const {
    ApplyRequest request;
    CROMT_ASSIGN(request.if_revision, ReadNumber("--if-revision", if_revision_, UINT64_MAX));
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(RevisionText revision, Get(*control, n_));
    request.request = session.NewRequest();
    request.path = revision.view.path;
    request.text = std::move(revision.text);
    request.prune = wish_.prune;
    request.dry_run = wish_.dry_run;
    request.author = session.world().user;
    CROMT_ASSIGN(const ApplyAnswer answer, control->Apply(request));
    if (revision.view.revision == revision.newest && answer.revision == revision.newest)
      session.messages().Say(fmt::format("revision {} is the newest of its file already", revision.newest));
    for (const std::string& warning : answer.warnings) session.messages().Warn(warning);
    session.output().Applied(answer, wish_);
    return ExitCode::kDone;
  }

  Result<ExitCode> List(Session& session) const {
    const std::string project = project_.value_or(word_);
    CROMT_ASSIGN(const auto limit, ReadNumber("--limit", limit_, kMostRevisions));
    if (limit == 0u) return Fail(ErrorCode::kInvalid, "--limit: at least 1");
    if (!project.empty()) CROMT_TRY(CheckName("project", project));
    CROMT_ASSIGN(const auto control, session.Connect());
    CROMT_ASSIGN(const auto revisions,
                 control->ListRevisions(project, static_cast<uint32_t>(limit.value_or(kDefaultRevisions))));
    if (revisions.empty() && !project.empty()) CROMT_TRY(CheckProjectKnown(*control, project));
    session.output().ListRevisions(revisions);
    return ExitCode::kDone;
  }

  std::string word_, n_, m_;
  std::optional<std::string> project_, limit_, if_revision_;
  ApplyWish wish_;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<History>();
}

}  // namespace

const CommandInfo kHistoryInfo = {
    .name = "history",
    .usage = "[PROJECT] [--limit N] | diff N [M] | show N | apply N [--dry-run] [--prune] [--if-revision N]",
    .summary = "list the revisions of job files, show what one changed, put one back",
    .about =
        "Lists the applied revisions of all job files, the newest first: when, by whom, and which projects it added "
        "(+),\n"
        "changed (~) or lost (-). With PROJECT only those that changed it in some way, also after it was removed. A\n"
        "project that is called diff, show or apply is named with --project. In JSON one object a line.\n"
        "\n"
        "diff N   what revision N changed in its file, as a unified diff: against the revision before it, or against "
        "M\n"
        "show N   the text of revision N, as it was applied\n"
        "apply N  applies that text again, as a new revision of the same file, as 'cromt --conf' would; projects that\n"
        "         came later are gone from the file then, and are kept unless --prune is given",
    .examples =
        "cromt history\n"
        "cromt history hello --limit 5\n"
        "cromt history diff 7\n"
        "cromt history show 6 > jobs.yaml\n"
        "cromt history apply 6 --dry-run\n"
        "cromt history -o json | jq 'select(.changed | index(\"hello\"))'",
    .make = Make,
};

}  // namespace cromt::cli
