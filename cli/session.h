// What a command works with: the world, the backends, and the global options as they were given. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/backends.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/world.h"

namespace cromt::cli {

enum class Format { kText, kJson, kQuiet, kDot };

struct GlobalOptions {
  std::optional<std::string> coordinator;
  std::optional<std::string> conf;  // a job file; only some commands take one
  std::optional<std::string> output;
  bool no_color = false;
  bool help = false;
  bool version = false;
};

class Session {
 public:
  Session(const World& world, const Backends& backends, GlobalOptions options, Format format);

  const World& world() const { return world_; }
  const Backends& backends() const { return backends_; }
  const GlobalOptions& options() const { return options_; }
  Format format() const { return format_; }
  Messages& messages() { return messages_; }
  Output& output() { return *output_; }
  const Palette& palette() const { return palette_; }  // of standard output

  // The coordinator that --coordinator, CROMT_COORDINATOR or the defaults name. The error says what to do.
  Result<std::unique_ptr<Control>> Connect() const;
  // The same for what concerns who may do what there.
  Result<std::unique_ptr<AccessControl>> ConnectAccess() const;
  // What to look at runs with: the coordinator, or with `local` the runs that `cromt run` has kept here.
  Result<std::unique_ptr<Control>> ConnectToLook(bool local) const;
  // The job file to read: --conf, else ~/cromtit.yaml.
  Result<std::string> JobFilePath() const;
  // A new one, for a call that may be repeated.
  RequestId NewRequest() const;

 private:
  const World& world_;
  const Backends& backends_;
  const GlobalOptions options_;
  const Format format_;
  Messages messages_;
  Palette palette_;
  std::unique_ptr<Output> output_;
};

}  // namespace cromt::cli
