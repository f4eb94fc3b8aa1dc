// The keys of a project that say when it starts by itself: crontab, trigger, hook and those beside them.
#pragma once

#include <optional>
#include <string_view>

#include "core/job_file.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {

class StartKeys {
 public:
  // False if it is another key. REQUIRES: CheckShape has accepted the value.
  bool Read(std::string_view key, YamlNode at, YamlNode value);
  // What they come to, once all keys of the project were read.
  void Set(Project& project, Diagnostics& diagnostics) const;

 private:
  void SetPush(Project& project, Diagnostics& diagnostics) const;

  Schedule schedule_;
  PushTrigger push_;
  std::optional<Overlap> overlap_;
  Position trigger_at_, hook_at_, interval_at_;
};

}  // namespace cromt
