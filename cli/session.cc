#include "cli/session.h"

#include <fmt/format.h>

#include "cli/coordinator_address.h"
#include "cli/json_output.h"
#include "cli/quiet_output.h"
#include "cli/run_directory.h"
#include "cli/text_output.h"

namespace cromt::cli {
namespace {

constexpr Duration kConnectPatience = seconds(5);

bool WantsColour(const World& world, const GlobalOptions& options) {
  return !options.no_color && world.variable("NO_COLOR").value_or("").empty() &&
         world.variable("TERM").value_or("") != "dumb";
}

}  // namespace

Session::Session(const World& world, const Backends& backends, GlobalOptions options, Format format)
    : world_(world),
      backends_(backends),
      options_(std::move(options)),
      format_(format),
      messages_(world.err, format != Format::kQuiet, Palette(world.err_is_terminal && WantsColour(world, options_))),
      palette_(world.out_is_terminal && WantsColour(world, options_)) {
  if (format == Format::kJson)
    output_ = std::make_unique<JsonOutput>(world.out);
  else if (format == Format::kQuiet)
    output_ = std::make_unique<QuietOutput>(world.out);
  else
    output_ = std::make_unique<TextOutput>(world, palette_, format == Format::kDot);
}

namespace {

// What to do where nobody answers.
Error WithAdvice(const CoordinatorTarget& target, Error error) {
  if (error.code != ErrorCode::kUnavailable) return error;
  return {ErrorCode::kUnavailable,
          fmt::format("can't reach a coordinator at {}: {}\n"
                      "is cromt-coordinator running? start one with 'cromt-coordinator', name another with "
                      "--coordinator ADDRESS{}, or use 'cromt run', which needs none",
                      target.address, error.message,
                      target.authorities.empty() ? ", log in where there is a mesh ('cromt login')" : "")};
}

}  // namespace

Result<std::unique_ptr<Control>> Session::Connect() const {
  CROMT_ASSIGN(const CoordinatorTarget target, FindCoordinator(options_.coordinator, world_));
  auto control = backends_.connect(target, kConnectPatience);
  if (!control) return tl::unexpected(WithAdvice(target, control.error()));
  return control;
}

Result<std::unique_ptr<AccessControl>> Session::ConnectAccess() const {
  CROMT_ASSIGN(const CoordinatorTarget target, FindCoordinator(options_.coordinator, world_));
  auto control = backends_.connect_access(target, kConnectPatience);
  if (!control) return tl::unexpected(WithAdvice(target, control.error()));
  return control;
}

Result<std::unique_ptr<Control>> Session::ConnectToLook(bool local) const {
  if (!local) return Connect();
  if (options_.coordinator) return Fail(ErrorCode::kInvalid, "--local needs no coordinator; leave --coordinator away");
  CROMT_ASSIGN(const std::string dir, RunsDirectory(world_));
  return backends_.open_local(dir);
}

Result<std::string> Session::JobFilePath() const {
  if (options_.conf) return *options_.conf;
  const std::string home = world_.variable("HOME").value_or("");
  if (home.empty()) return Fail(ErrorCode::kInvalid, "HOME is not set; name a job file with --conf FILE");
  return home + "/cromtit.yaml";
}

RequestId Session::NewRequest() const {
  return RequestId(RandomName(world_.random));
}

}  // namespace cromt::cli
