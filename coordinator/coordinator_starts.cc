// What starts by itself, as far as the loop does not do it: planning, looking at repositories, and what people see of
// it.
#include <fmt/format.h>

#include "coordinator/coordinator.h"
#include "coordinator/question.h"
#include "core/ticks.h"
#include "io/archive/reader.h"
#include "io/config/job_reader.h"
#include "io/git/url.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {
namespace {

constexpr std::string_view kHeads = "refs/heads/", kTags = "refs/tags/";

constexpr size_t kShownDigits = 12;  // of a commit

using PushStates = std::map<std::string, PushState>;

std::string RefWords(const WatchedRef& ref) {
  return ref.ref.empty() ? "the default branch" : ref.ref;
}

std::string Every(Duration interval) {
  return interval < std::chrono::minutes(1) ? fmt::format("{}s", interval / seconds(1)) : FormatDuration(interval);
}

// For people; as written a URL may hold a token.
std::string Words(const WatchedRef& ref, const PushTrigger& push) {
  auto url = ParseGitUrl(ref.repository);
  return fmt::format("{} of {}, {}", RefWords(ref), url ? url->shown : "its repository",
                     push.poll ? "every " + Every(push.interval) : "by its hook");
}

std::string_view ShortRef(std::string_view ref) {
  for (std::string_view prefix : {kHeads, kTags})
    if (ref.starts_with(prefix)) return ref.substr(prefix.size());
  return ref;
}

}  // namespace

// ---- Doing it ---------------------------------------------------------------------------------

void Coordinator::PlanItself(const DueStart& due) {
  if (const auto* tick = std::get_if<DueTick>(&due)) {
    Post(engine_input::TickPlanned{*tick, PlanStart({.project = tick->project, .author = "cron"})});
    return;
  }
  const auto& push = std::get<DuePush>(due);
  auto start = PlanStart({.project = push.project, .author = std::string(ToString(push.trigger))});
  if (start) start->plan = PinnedTo(*start->plan, push);
  Post(engine_input::PushPlanned{push, std::move(start)});
}

// Where the plan takes what was pushed to, it takes that commit.
std::shared_ptr<const Plan> Coordinator::PinnedTo(const Plan& plan, const DuePush& push) {
  auto pinned = std::make_shared<Plan>(plan);
  for (TaskSpec& spec : pinned->specs)
    if (spec.source.repository == push.ref.repository && spec.source.ref == push.ref.ref)
      spec.source.commit = push.commit;
  return pinned;
}

void Coordinator::LookAt(const WatchedRef& ref) {
  lookers_->Do([this, ref](std::stop_token stop) {
    Post(engine_input::RefLooked{ref, git_->Look(ref.repository, ref.ref, stop)});
  });
}

std::string Coordinator::ServerOf(const std::string& repository) {
  return git_->ServerOf(repository);
}

Result<std::shared_ptr<const Zone>> Coordinator::ZoneOf(const std::string& name) {
  return name.empty() ? zones_.OfHost() : zones_.Find(name);
}

// ---- Hooks ------------------------------------------------------------------------------------

namespace {

// What starts `project` by pushes; kNotFound if nothing does.
Result<std::pair<WatchedRef, std::shared_ptr<const PushTrigger>>> PushOf(const Catalog& catalog,
                                                                         const std::string& project) {
  const auto entry = catalog.projects.find(project);
  if (entry == catalog.projects.end() || entry->second.left)
    return Fail(ErrorCode::kNotFound, fmt::format("there is no project '{}'", project));
  const Project* known = entry->second.job_file->Find(project);
  if (!known || !known->push || known->push->hook_secret.empty())
    return Fail(ErrorCode::kNotFound, fmt::format("project '{}' has no hook", project));
  CROMT_ASSIGN(WatchedRef ref, WatchedBy(*entry->second.job_file, *known));
  return std::pair(std::move(ref), known->push);
}

}  // namespace

Result<std::string> Coordinator::HookSecret(const std::string& project) {
  CROMT_ASSIGN(const auto push, PushOf(*engine_->catalog(), project));
  const std::string& name = push.second->hook_secret;
  const SecretValues values =
      secrets_->ValuesFor(project, {SecretUse{.name = name, .env = {}, .file = {}, .registry = {}}});
  const std::string* value = FindSecret(values, name);
  if (!value)
    return Fail(ErrorCode::kNotFound,
                fmt::format("the hook of project '{}' is signed with the secret '{}', which has no value; see "
                            "`cromt secrets set --help`",
                            project, name));
  return *value;
}

Result<std::string> Coordinator::Pushed(const std::string& project, const std::string& ref, const std::string& commit) {
  CROMT_ASSIGN(const auto push, PushOf(*engine_->catalog(), project));
  const WatchedRef& watched = push.first;
  if (!watched.ref.empty() && ShortRef(watched.ref) != ShortRef(ref))
    return fmt::format("project '{}' watches {}: nothing is done", project, watched.ref);
  CROMT_TRY(Question<RunId>([&](auto answer) { return engine_input::HookCame{project, std::move(answer)}; }));
  return fmt::format("{} is looked at: {} starts a run, unless it is known already", RefWords(watched), commit);
}

// ---- A job file in Git ------------------------------------------------------------------------

void Coordinator::FollowProjects() {
  if (!options_.projects_from) return;
  const ProjectsFrom& from = *options_.projects_from;
  auto url = ParseGitUrl(from.url);
  const std::string path = (url ? url->shown : "repository") + ":" + from.file;
  ProjectsFollower::Edges edges;
  edges.look = [this, from](std::stop_token stop) { return git_->Look(from.url, from.ref, stop); };
  edges.read = [this, from](const std::string& commit, std::stop_token stop) {
    return ReadProjects(from, commit, stop);
  };
  edges.apply = [this, path](const std::string& commit, const std::string& text) -> Status {
    ApplyRequest request;
    request.request = RequestId(RandomName(random_));
    request.path = path;
    request.text = text;
    request.author = "git " + commit.substr(0, kShownDigits);
    return Apply(request).map([](const ApplyAnswer&) {});
  };
  edges.note = options_.warn;
  follower_ = std::make_unique<ProjectsFollower>("the job file " + path, from.interval, std::move(edges));
}

Result<std::string> Coordinator::ReadProjects(const ProjectsFrom& from, const std::string& commit,
                                              std::stop_token stop) {
  CROMT_ASSIGN(const auto resolved, git_->Resolve(from.url, from.ref, {}, stop, commit));
  CROMT_ASSIGN(const UniqueFd tree, blobs_->Read(resolved.tree));
  for (ArchiveReader reader(tree.get());;) {
    CROMT_ASSIGN(const auto entry, reader.Next());
    if (!entry) return Fail(ErrorCode::kNotFound, fmt::format("there is no file '{}' in it", from.file));
    if (entry->path != from.file) continue;
    if (entry->kind != EntryKind::kFile && entry->kind != EntryKind::kExecutable)
      return Fail(ErrorCode::kInvalid, fmt::format("'{}' is no file", from.file));
    std::string text;
    for (;;) {
      CROMT_ASSIGN(const std::string_view data, reader.Data());
      if (data.empty()) return text;
      text += data;
      if (text.size() > kMaxYamlBytes)
        return Fail(ErrorCode::kInvalid, fmt::format("'{}' has more than {} bytes", from.file, kMaxYamlBytes));
    }
  }
}

// ---- For people -------------------------------------------------------------------------------

Result<ProjectList> Coordinator::ListProjects() {
  CROMT_ASSIGN(auto projects, WithReader([this](StoreReader& reader) { return reader.Projects(clock_.Read().wall); }));
  std::vector<std::string> notices;
  if (const std::string trouble = follower_ ? follower_->trouble() : ""; !trouble.empty()) notices.push_back(trouble);
  if (const DiskWatch::Told told = disk_ ? disk_->Look() : DiskWatch::Told(); told.state != DiskState::kOk)
    notices.push_back(fmt::format(
        "the coordinator's disk is {}: {}",
        told.state == DiskState::kCritical ? "nearly full, and no run is started" : "filling up", told.text));
  bool watch = false;
  for (ProjectView& project : projects) {
    TellStarts(project);
    watch |= !project.watches.empty();
  }
  if (!watch) return ProjectList{std::move(projects), std::move(notices)};
  CROMT_ASSIGN(const auto states, Question<PushStates>([](auto answer) {
                 return engine_input::Inspect{[answer](const Engine& e) { answer(e.triggers().States()); }};
               }));
  for (ProjectView& project : projects) {
    const auto found = states.find(project.name);
    if (project.watches.empty() || found == states.end()) continue;
    const auto& [seen, waiting, trouble] = found->second;
    if (!waiting.empty())
      project.watches += fmt::format(": {} waits", waiting.substr(0, kShownDigits));
    else if (!seen.empty())
      project.watches += fmt::format(": at {}", seen.substr(0, kShownDigits));
    if (project.trouble.empty()) project.trouble = trouble;
  }
  return ProjectList{std::move(projects), std::move(notices)};
}

// As the engine follows it: by the applied files.
void Coordinator::TellStarts(ProjectView& project) {
  const auto catalog = engine_->catalog();
  const auto entry = catalog->projects.find(project.name);
  const Project* known = entry == catalog->projects.end() ? nullptr : entry->second.job_file->Find(project.name);
  if (!known || entry->second.left) return;
  if (known->push)
    if (auto ref = WatchedBy(*entry->second.job_file, *known)) project.watches = Words(*ref, *known->push);
  if (!known->schedule) return;
  project.schedule = known->schedule->crontab;
  const auto zone = ZoneOf(known->schedule->timezone);
  if (!zone) {
    project.trouble = zone.error().message;
    return;
  }
  project.timezone = (*zone)->name();
  const Duration splay = SplayOf(project.name, known->schedule->splay);
  const Wall now = clock_.Read().wall;
  if (auto next = NextTick(known->schedule->cron, **zone, now - splay)) {
    project.next_tick = *next + splay;
    project.next_tick_local = FormatLocal(*project.next_tick, **zone);
  }
}

Result<std::vector<TickSettled>> Coordinator::ListTicks(const std::string& project, uint32_t limit) {
  return WithReader([&](StoreReader& reader) { return reader.Ticks(project, limit); });
}

Status Coordinator::Pause(const PauseRequest& request) {
  if (!request.project.empty()) CROMT_TRY(CheckProject(request.project));
  const Wall now = clock_.Read().wall;
  Paused pause{request.project, request.why, request.author, now, {}};
  if (request.time) pause.until = now + *request.time;
  return Question<RunId>([&](auto answer) {
           return engine_input::SetPause{pause.project, pause, std::move(answer)};
         })
      .map([](const RunId&) {});
}

Status Coordinator::Unpause(const std::string& project, const std::string& /*author*/) {
  if (!project.empty()) CROMT_TRY(CheckProject(project));
  return Question<RunId>([&](auto answer) {
           return engine_input::SetPause{project, std::nullopt, std::move(answer)};
         })
      .map([](const RunId&) {});
}

}  // namespace cromt
