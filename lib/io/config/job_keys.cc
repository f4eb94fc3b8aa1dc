#include "io/config/job_keys.h"

#include <algorithm>
#include <array>

namespace cromt {
namespace {

constexpr bool kBuilt = true;
constexpr bool kLater = false;

constexpr auto kKeys = std::to_array<JobKey>({
    // Cromtit's.
    {"projects", kTop, kNowhere, Shape::kOwn, kBuilt},
    {"storage", kTop, kNowhere, Shape::kOwn, kBuilt},
    {"name", kTop | kInDependency, kNowhere, Shape::kOwn, kBuilt},
    {"path", kInProject, kInEntries, Shape::kOwn, kBuilt},
    {"action", kInAll, kNowhere, Shape::kOwn, kBuilt},
    {"options", kInAll, kNowhere, Shape::kOwn, kBuilt},
    {"vars", kInAll, kNowhere, Shape::kOwn, kBuilt},
    {"url", kInAll, kNowhere, Shape::kOwn, kBuilt},
    {"title", kInAll, kNowhere, Shape::kOwn, kBuilt},
    {"hosts", kInProject | kInDependency, kNowhere, Shape::kOwn, kBuilt},
    {"before", kInProject, kInEntries, Shape::kOwn, kBuilt},
    {"after", kInProject, kInEntries, Shape::kOwn, kBuilt},
    {"queue-id", kInAll, kNowhere, Shape::kLane, kBuilt},
    {"sparrowdo", kInAll, kNowhere, Shape::kOwn, kBuilt},
    {"timeout", kInAll, kNowhere, Shape::kDuration, kBuilt},
    {"artifacts", kInProject, kInEntries, Shape::kArtifacts, kBuilt},
    {"crontab", kInProject, kInEntries, Shape::kCron, kBuilt},
    {"trigger", kInProject, kInEntries, Shape::kFlag, kBuilt},
    {"branch", kInProject, kInEntries, Shape::kRef, kBuilt},
    // Ours.
    {"id", kInHost, kNowhere, Shape::kOwn, kBuilt},
    {"run", kInProject, kNowhere, Shape::kOwn, kBuilt},
    {"ref", kInProject, kNowhere, Shape::kRef, kBuilt},
    {"retries", kInAll, kNowhere, Shape::kCount, kBuilt},
    {"retry_delay", kInAll, kNowhere, Shape::kDuration, kBuilt},
    {"retry_backoff", kInAll, kNowhere, Shape::kFactor, kBuilt},
    {"grace", kInAll, kNowhere, Shape::kDuration, kBuilt},
    {"container", kInAll, kNowhere, Shape::kOwn, kBuilt},
    {"when", kInDependency, kNowhere, Shape::kWhen, kBuilt},
    {"on_failure", kInProject, kNowhere, Shape::kOnFailure, kBuilt},
    {"max_failures", kInProject, kNowhere, Shape::kShare, kBuilt},
    {"on_unreachable", kInProject, kNowhere, Shape::kOnUnreachable, kBuilt},
    {"on_lost", kInProject, kNowhere, Shape::kOnLost, kBuilt},
    {"run_timeout", kInProject, kNowhere, Shape::kDuration, kBuilt},
    {"parallel", kInProject, kNowhere, Shape::kCount, kBuilt},
    {"priority", kInProject, kNowhere, Shape::kInteger, kBuilt},
    {"pool", kInProject, kNowhere, Shape::kPool, kBuilt},
    {"log_limit", kInProject, kNowhere, Shape::kSize, kBuilt},
    {"timezone", kInProject, kNowhere, Shape::kZone, kBuilt},
    {"catch_up", kInProject, kNowhere, Shape::kCatchUp, kBuilt},
    {"overlap", kInProject, kNowhere, Shape::kOverlap, kBuilt},
    {"splay", kInProject, kNowhere, Shape::kDuration, kBuilt},
    {"poll_interval", kInProject, kNowhere, Shape::kDuration, kBuilt},
    {"hook", kInProject, kNowhere, Shape::kHook, kBuilt},
    {"disabled", kInProject, kNowhere, Shape::kFlag, kBuilt},
    {"keep", kInProject, kNowhere, Shape::kCount, kBuilt},
    {"inherit_env", kInProject, kNowhere, Shape::kFlag, kBuilt},
    {"user", kInProject, kNowhere, Shape::kText, kBuilt},
    {"sandbox", kInProject, kNowhere, Shape::kSandbox, kBuilt},
    {"secrets", kInProject | kInHost, kNowhere, Shape::kSecrets, kBuilt},
    {"resources", kInProject, kNowhere, Shape::kOwn, kBuilt},
    {"params", kInProject, kNowhere, Shape::kMap, kLater},
    {"waves", kInProject, kNowhere, Shape::kAny, kLater},
    {"notify", kInProject, kNowhere, Shape::kList, kLater},
    {"ping", kInProject, kNowhere, Shape::kText, kLater},
    {"factfile", kInProject, kNowhere, Shape::kTextOrMap, kLater},
    {"mflow", kInProject, kNowhere, Shape::kMap, kLater},
    {"playbook", kInProject, kNowhere, Shape::kTextOrMap, kLater},
});

}  // namespace

std::span<const JobKey> JobKeys() {
  return kKeys;
}

const JobKey* FindJobKey(std::string_view name) {
  auto found = std::find_if(kKeys.begin(), kKeys.end(), [&](const JobKey& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::string_view Describe(JobLevel level) {
  switch (level) {
    case kTop: return "the top level";
    case kInProject: return "a project";
    case kInDependency: return "a before or after entry";
    case kInHost: return "a host entry";
  }
  return "";
}

}  // namespace cromt
