// The table of jobs.yaml's keys: where each may stand, what shape its value has, and whether its behaviour is built.
// The reader, the messages about unknown keys and the documentation all go by it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cromt {

// Where a key may stand; a set of bits.
enum JobLevel : uint8_t { kTop = 1, kInProject = 2, kInDependency = 4, kInHost = 8 };
inline constexpr uint8_t kNowhere = 0;
inline constexpr uint8_t kInAll = kInProject | kInDependency | kInHost;
inline constexpr uint8_t kInEntries = kInDependency | kInHost;

// What a value must look like. Keys that are built have readers of their own and say kOwn.
enum class Shape : uint8_t {
  kOwn,
  kAny,
  kText,
  kFlag,      // true, false, yes, no, on, off
  kCount,     // 0, 1, 2, …
  kInteger,   // also negative
  kFactor,    // a decimal number from 1 on
  kDuration,  // 90, 90s, 5m, 2h
  kSize,      // 256MiB
  kMap,
  kList,
  kTextOrMap,
  kLane,           // a name, or {name, scope: agent | mesh}
  kRef,            // of a repository: nothing that git would take for an option
  kCron,           // core/cron.h
  kZone,           // a time zone's name
  kShare,          // N or P%
  kPool,           // {labels: {NAME: VALUE}, count: N | all}
  kArtifacts,      // {in: [NAME | {file, hosts}], out: [{file, path}]}
  kWhen,           // always | failure | success
  kOnFailure,      // fail | ignore
  kOnUnreachable,  // fail | skip | wait DURATION
  kOnLost,         // fail | retry | wait DURATION
  kOverlap,        // skip | queue | allow
  kCatchUp,        // last | none
  kSandbox,        // off | standard | strict
  kSecrets,        // [{name, env | file}]
  kHook,           // {secret: NAME}
};

struct JobKey {
  std::string_view name;
  uint8_t levels;   // where it acts
  uint8_t ignored;  // where Cromtit's users write it without effect: a warning
  Shape shape;
  bool built;
};

std::span<const JobKey> JobKeys();

// Null for an unknown key.
const JobKey* FindJobKey(std::string_view name);

// "a project", "a host entry", …: for messages.
std::string_view Describe(JobLevel level);

}  // namespace cromt
