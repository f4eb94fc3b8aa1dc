#include "io/config/start_keys.h"

#include <fmt/format.h>

#include "io/config/flag_word.h"
#include "io/config/job_shapes.h"

namespace cromt {

bool StartKeys::Read(std::string_view key, YamlNode at, YamlNode value) {
  const std::string_view text = value.text();
  if (key == "crontab") {
    schedule_.crontab = text;
    schedule_.cron = ParseCron(text).value_or(CronSchedule());
  } else if (key == "timezone") {
    schedule_.timezone = text;
  } else if (key == "catch_up") {
    schedule_.catch_up = text == "none" ? CatchUp::kNone : CatchUp::kLast;
  } else if (key == "overlap") {
    if (!text.empty())
      overlap_ = text == "queue" ? Overlap::kQueue : text == "allow" ? Overlap::kAllow : Overlap::kSkip;
  } else if (key == "splay") {
    schedule_.splay = text.empty() ? Duration(0) : DurationOf(text);
  } else if (key == "trigger") {
    push_.poll = FlagWord(text).value_or(false);
    trigger_at_ = at.at();
  } else if (key == "poll_interval") {
    if (text.empty()) return true;
    push_.interval = DurationOf(text);
    interval_at_ = value.at();
  } else if (key == "hook") {
    for (YamlNode name = value.first(); name; name = name.next().next()) push_.hook_secret = name.next().text();
    hook_at_ = at.at();
  } else {
    return false;
  }
  return true;
}

void StartKeys::Set(Project& project, Diagnostics& diagnostics) const {
  if (!schedule_.crontab.empty() && !project.disabled) {
    Schedule schedule = schedule_;
    schedule.overlap = overlap_.value_or(schedule.overlap);
    project.schedule = std::make_shared<const Schedule>(std::move(schedule));
  }
  if (push_.poll || !push_.hook_secret.empty()) SetPush(project, diagnostics);
}

void StartKeys::SetPush(Project& project, Diagnostics& diagnostics) const {
  if (push_.interval < PushTrigger::kShortestInterval)
    diagnostics.Error(interval_at_, fmt::format("'poll_interval' must be at least {}",
                                                FormatDuration(PushTrigger::kShortestInterval)));
  if (project.source.repository.empty()) {
    static constexpr char kNoRepository[] =
        "'{}' starts a run of what was pushed to a Git repository, and 'path' names none";
    if (push_.poll) diagnostics.Warning(trigger_at_, fmt::format(kNoRepository, "trigger"));  // Cromtit takes it
    if (!push_.hook_secret.empty()) diagnostics.Error(hook_at_, fmt::format(kNoRepository, "hook"));
    return;
  }
  if (project.disabled) return;
  PushTrigger push = push_;
  push.overlap = overlap_.value_or(push.overlap);
  project.push = std::make_shared<const PushTrigger>(std::move(push));
}

}  // namespace cromt
