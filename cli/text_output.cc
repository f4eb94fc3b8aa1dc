#include "cli/text_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/size.h"
#include "cli/clean_text.h"
#include "cli/confined_text.h"
#include "cli/describe.h"
#include "cli/plan_text.h"
#include "cli/table.h"

namespace cromt::cli {
namespace {

std::string Marked(const std::vector<std::string>& projects, std::string_view mark, std::string_view note = "") {
  std::string lines;
  for (const std::string& project : projects) lines += fmt::format("  {} {}{}\n", mark, Clean(project), note);
  return lines;
}

// As a shell reads it back.
std::string ShellWord(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+:,@%-";
  if (!text.starts_with('-') && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = text.starts_with('-') ? "./'" : "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// "+ a, b  ~ c  - d (kept)": the marks of an apply, on one line. A long list is cut short; JSON has all of it.
std::string ChangesText(const ProjectChanges& changes) {
  constexpr size_t kMostNamed = 10;
  std::string text;
  auto add = [&](std::string_view mark, const std::vector<std::string>& projects, std::string_view note) {
    if (projects.empty()) return;
    const size_t named = std::min(projects.size(), kMostNamed);
    text += fmt::format("{}{} {}", text.empty() ? "" : "  ", mark,
                        Clean(fmt::format("{}", fmt::join(projects.begin(), projects.begin() + named, ", "))));
    if (named < projects.size()) text += fmt::format(" … {} more", projects.size() - named);
    text += note;
  };
  add("+", changes.added, "");
  add("~", changes.changed, "");
  add("-", changes.gone, " (kept)");
  add("-", changes.removed, "");
  return text.empty() ? "no project" : text;
}

std::string Confinement(const TaskView& task) {
  return task.confined ? ConfinedText(*task.confined) : "";
}

// "task 2 of run ab12: hello on hostA (failed)".
std::string TaskHeading(const RunView& run, const TaskView& task) {
  return fmt::format("task {} of run {}: {} ({})\n", task.index + 1, run.header.id.text(), TaskLabel(task),
                     Standing(task.status));
}

// "run ab12 of hello failed: no agent" and when.
std::string RunHeading(const RunView& run, Wall now, const Palette& palette) {
  const RunHeader& header = run.header;
  const RunStatus& status = run.status;
  std::string text = fmt::format("run {} of {}: {}", palette.Bold(header.id.text()), Clean(header.project),
                                 palette.Word(Standing(status)));
  if (!status.reason.empty()) text += ", " + Clean(status.reason);
  text += fmt::format("\n{} by {} at {}", ToString(header.trigger), header.author.empty() ? "-" : Clean(header.author),
                      LocalTime(header.created_at));
  if (const std::string took = Took(status.started_at, status.finished_at, now); !took.empty())
    text += (status.finished_at ? ", took " : ", for ") + took;
  if (!run.commit.empty()) text += ", commit " + Clean(run.commit);
  return text + "\n";
}

}  // namespace

std::optional<size_t> TextOutput::columns() const {
  if (!world_.out_is_terminal) return std::nullopt;
  return world_.columns;
}

void TextOutput::Applied(const ApplyAnswer& answer, const ApplyWish& wish) {
  const bool nothing = answer.added.empty() && answer.changed.empty() && answer.gone.empty();
  std::string text = Clean(answer.file) + ": ";
  if (nothing)
    text += fmt::format("no project changes, revision {}\n", answer.revision);
  else if (wish.dry_run)
    text += "would change\n";
  else
    text += fmt::format("revision {}\n", answer.revision);
  text += Marked(answer.added, palette_.Good("+"));
  text += Marked(answer.changed, palette_.Odd("~"));
  text += Marked(answer.gone, palette_.Bad("-"), wish.prune ? "" : " (gone from the file, kept; --prune removes it)");
  Print(text);
}

void TextOutput::Validated(const Validation& validation) {
  // What is wrong is said on standard error.
  if (!validation.ok) return;
  std::string found = Count(validation.projects.size(), "project");
  if (validation.actions) {
    const auto& scenarios = validation.actions->scenarios;
    const auto rakudo = std::ranges::count(scenarios, step::Interpreter::kRakudo, &step::SurveyedScenario::interpreter);
    found = fmt::format("{}{}, {}", Count(scenarios.size(), "scenario"),
                        rakudo > 0 ? fmt::format(" ({} under rakudo)", rakudo) : "",
                        Count(validation.actions->tasks, "task"));
  }
  Print(fmt::format("{}: ok, {}\n", Clean(validation.file), found));
}

void TextOutput::Planned(const Plan& plan, const std::string& project) {
  if (dot_)
    WritePlanDot(plan, project, world_.out);
  else
    WritePlanText(plan, project, columns(), palette_, world_.out);
}

void TextOutput::Started(const RunId& run) {
  Print(run.text() + "\n");
}

void TextOutput::CancelAsked(const RunId& run, const std::string& task) {
  Print(task.empty() ? fmt::format("canceling run {}\n", run.text())
                     : fmt::format("canceling task {} of run {}\n", Clean(task), run.text()));
}

void TextOutput::ShowWhy(const RunView& run, std::optional<TaskIndex> task, const WhyLines& lines) {
  const std::string id = run.header.id.text();
  std::string text = fmt::format("run {} of {} ({})\n", id, Clean(run.header.project), Standing(run.status));
  if (task) text = TaskHeading(run, run.tasks.at(*task));
  for (const WhyLine& line : lines) text += fmt::format("  - {}\n", Clean(line.text));
  Print(text);
}

void TextOutput::Forgot(const std::string& agent) {
  Print(fmt::format("forgot {}: what it had is lost, and its queues are free\n", Clean(agent)));
}

void TextOutput::Initialized(const std::string& dir, const std::vector<std::string>& files) {
  std::string text = "wrote\n";
  for (const std::string& file : files) text += fmt::format("  {}{}\n", dir.empty() ? "" : Clean(dir) + "/", file);
  const std::string change = dir.empty() ? "" : fmt::format("cd {} && ", Clean(ShellWord(dir)));
  Print(text + fmt::format("now run it: {}cromt run ./jobs.yaml\n", change));
}

void TextOutput::ShowRun(const RunView& run) {
  const Wall now = world_.clock.Read().wall;
  Print(RunHeading(run, now, palette_));
  Table table({"TASK", "NAME", "HOST", "STATE", "TRY", "EXIT", "TOOK", "CONFINED TO", "REASON"});
  for (const TaskView& task : run.tasks) {
    const TaskStatus& status = task.status;
    table.Row({std::to_string(task.index + 1), Clean(task.name), Clean(task.host), std::string(Standing(status)),
               status.attempt > 1 ? std::to_string(status.attempt) : "",
               status.exit ? std::to_string(ShellCode(*status.exit)) : "",
               Took(status.started_at, status.finished_at, now), Confinement(task), WhyEnded(status)});
  }
  if (!run.tasks.empty()) Print(table.Text(columns(), palette_));
}

void TextOutput::ShowTask(const RunView& run, TaskIndex index) {
  const TaskView& task = run.tasks.at(index);
  const TaskStatus& status = task.status;
  std::string text = TaskHeading(run, task);
  const auto line = [&](std::string_view what, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<12}{}\n", what, value);
  };
  line("project", Clean(task.project));
  line("attempt", status.attempt > 0 ? std::to_string(status.attempt) : "");
  line("agent", Clean(status.agent.text()));
  line("queued", LocalTime(status.queued_at));
  line("started", LocalTime(status.started_at));
  line("finished", LocalTime(status.finished_at));
  line("took", Took(status.started_at, status.finished_at, world_.clock.Read().wall));
  line("exit code", status.exit ? std::to_string(ShellCode(*status.exit)) : "");
  line("output", status.log_bytes > 0 ? FormatSize(status.log_bytes) : "");
  line("confined to", Confinement(task));
  line("image", Clean(task.image_digest));
  line("reason", WhyEnded(status));
  Print(text);
}

void TextOutput::ListRuns(const std::vector<RunView>& runs) {
  if (runs.empty()) return Print("no runs yet; 'cromt start PROJECT' starts one\n");
  const Wall now = world_.clock.Read().wall;
  Table table({"RUN", "PROJECT", "STATE", "TRIGGER", "BY", "CREATED", "TOOK", "REASON"});
  for (const RunView& run : runs)
    table.Row({run.header.id.text(), Clean(run.header.project), std::string(Standing(run.status)),
               std::string(ToString(run.header.trigger)), Clean(run.header.author), LocalTime(run.header.created_at),
               Took(run.status.started_at, run.status.finished_at, now), Clean(run.status.reason)});
  Print(table.Text(columns(), palette_));
}

namespace {

// By the clocks of the project's own zone, which need not be ours.
std::string NextText(const ProjectView& project) {
  if (!project.paused.empty()) return "paused " + project.paused;
  std::string text;
  if (project.schedule == "@reboot")
    text = "at the next boot";
  else if (project.next_tick)
    text = project.next_tick_local + " " + project.timezone;
  else if (!project.schedule.empty() && !project.timezone.empty())
    text = "never again: " + project.schedule;
  for (const std::string& part : {project.watches, project.trouble})
    if (!part.empty()) text += (text.empty() ? "" : "; ") + part;
  return text.empty() ? "-" : text;
}

}  // namespace

void TextOutput::ListProjects(const std::vector<ProjectView>& projects) {
  if (projects.empty()) return Print("no projects yet; 'cromt --conf FILE' applies a job file\n");
  Table table({"PROJECT", "LAST RUN", "NEXT START", "REVISION", "FILE"});
  for (const ProjectView& project : projects)
    table.Row({Clean(project.name), project.last_run.empty() ? "-" : Clean(project.last_run), Clean(NextText(project)),
               std::to_string(project.revision), Clean(project.file)});
  Print(table.Text(columns(), palette_));
}

void TextOutput::ListTicks(const std::vector<TickSettled>& ticks) {
  if (ticks.empty()) return Print("no ticks yet; 'cromt projects' says when the next one is due\n");
  Table table({"TICK", "OUTCOME", "RUN", "WHY"});
  for (const TickSettled& tick : ticks) {
    std::string when = LocalTime(tick.first);
    if (tick.last != tick.first) when += " to " + LocalTime(tick.last);
    if (tick.count > 1) when += fmt::format(" ({})", tick.count);
    table.Row({std::move(when), std::string(ToString(tick.outcome)), tick.run.empty() ? "-" : Clean(tick.run.text()),
               Clean(tick.why)});
  }
  Print(table.Text(columns(), palette_));
}

void TextOutput::PauseIs(std::string_view what, const std::string& project) {
  Print(fmt::format("{} {} {}\n", project.empty() ? "all projects" : "project " + Clean(project),
                    project.empty() ? "are" : "is", what));
}

void TextOutput::ListRevisions(const std::vector<RevisionView>& revisions) {
  if (revisions.empty()) return Print("no revisions yet; 'cromt --conf FILE' applies a job file\n");
  Table table({"REVISION", "APPLIED", "BY", "FILE", "CHANGES"});
  for (const RevisionView& revision : revisions)
    table.Row({std::to_string(revision.revision), LocalTime(revision.at),
               revision.author.empty() ? "-" : Clean(revision.author), Clean(revision.file),
               ChangesText(revision.changes)});
  Print(table.Text(columns(), palette_));
}

void TextOutput::ListArtifacts(const std::vector<ArtifactView>& artifacts) {
  if (artifacts.empty()) return Print("no artifacts: no task of the run has published one yet\n");
  Table table({"NAME", "HOST", "TASK", "SIZE", "KIND", "SHA-256"});
  for (const ArtifactView& artifact : artifacts)
    table.Row({Clean(artifact.name), Clean(artifact.host), Clean(artifact.task_name),
               FormatSize(artifact.digest.size_bytes), artifact.archive ? "directory" : "file",
               artifact.digest.sha256.substr(0, 12)});
  Print(table.Text(columns(), palette_));
}

void TextOutput::Got(const ArtifactView& artifact, const std::string& to) {
  Print(fmt::format("{} ({}, {})\n", Clean(to), artifact.archive ? "directory" : "file",
                    FormatSize(artifact.digest.size_bytes)));
}

namespace {

std::string LabelsText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
  return text.empty() ? "-" : text;
}

}  // namespace

namespace {

std::string StateText(const AgentView& agent) {
  if (!agent.up) return "down";
  if (agent.drained.empty()) return "up";
  return agent.attempts > 0 ? "draining" : "drained";
}

}  // namespace

void TextOutput::ListAgents(const std::vector<AgentView>& agents) {
  if (agents.empty())
    return Print("no agents yet; they appear when a run needs them or the configuration names them\n");
  Table table({"NAME", "ADDRESS", "AGENT", "STATE", "SLOTS", "ATTEMPTS", "READY", "LABELS", "VERSION", "REASON"});
  for (const AgentView& agent : agents)
    table.Row({agent.names.empty() ? "-" : Clean(fmt::format("{}", fmt::join(agent.names, ","))), Clean(agent.address),
               agent.agent.empty() ? "-" : agent.agent.text(), StateText(agent), std::to_string(agent.slots),
               std::to_string(agent.attempts), std::to_string(agent.ready), Clean(LabelsText(agent.labels)),
               Clean(agent.version), Clean(agent.drained.empty() ? agent.reason : agent.drained)});
  Print(table.Text(columns(), palette_));
}

void TextOutput::ListSecrets(const std::vector<SecretView>& secrets) {
  if (secrets.empty()) return Print("no secrets yet; 'cromt secrets set NAME --project P' makes one\n");
  Table table({"NAME", "PROJECT", "SET", "BY"});
  for (const SecretView& secret : secrets)
    table.Row({Clean(secret.name), secret.project.empty() ? "(all)" : Clean(secret.project), LocalTime(secret.at),
               secret.author.empty() ? "-" : Clean(secret.author)});
  Print(table.Text(columns(), palette_));
}

void TextOutput::SecretIs(std::string_view what, const std::string& project, const std::string& name) {
  Print(fmt::format("secret {} of {} is {}\n", name, project.empty() ? "all projects" : "project " + project, what));
}

}  // namespace cromt::cli
