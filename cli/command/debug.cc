// cromt debug bundle: what a mesh is and did last, in one file.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/name.h"
#include "base/size.h"
#include "cli/bundle_archive.h"
#include "cli/clean_text.h"
#include "cli/command.h"
#include "cli/job_source.h"

namespace cromt::cli {
namespace {

using Json = nlohmann::ordered_json;

// "cromt-bundle-20261122T183431Z".
std::string NameAt(Wall now) {
  std::string time = FormatRfc3339(now).substr(0, 19);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("cromt-bundle-{}Z", time);
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

class Debug final : public Command {
 public:
  void Declare(Arguments& arguments, GlobalOptions&) override {
    arguments.RequiredWord("bundle", verb_, "state and last events of the coordinator and its agents, in one file");
    arguments.Option("--to", "FILE", to_, "where to put it; cromt-bundle-TIME.tar.gz unless given");
    arguments.Flag("--force", force_, "replace FILE, if it is there");
  }

  Result<ExitCode> Run(Session& session) override {
    if (verb_ != "bundle") return Fail(ErrorCode::kInvalid, "debug: unknown word " + Quote(verb_) + "; write bundle");
    const std::string name = NameAt(session.world().clock.Read().wall);
    const std::string to = to_.value_or(name + ".tar.gz");
    const std::string path = AbsolutePath(to, session.world());
    std::error_code ignored;
    if (!force_ && std::filesystem::exists(std::filesystem::symlink_status(path, ignored)))
      return Fail(ErrorCode::kInvalid,
                  to + " is there already; name another place with --to, or replace it with --force");
    auto control = session.Connect();
    if (!control) return tl::unexpected<Error>(WithoutIt(control.error()));
    BundleArchive file(path, name);
    CROMT_TRY(file.Open());
    std::vector<std::string> names;
    Json manifest;
    if (Status made = (*control)->DebugBundle([&](const BundleFile& part) -> Status {
          names.push_back(part.name);
          if (part.name == "manifest.json") manifest = Json::parse(part.data, nullptr, /*allow_exceptions=*/false);
          return file.Add(part);
        });
        !made)
      return tl::unexpected<Error>(WithoutIt(made.error()));
    if (!manifest.is_object()) return Fail(ErrorCode::kInternal, "the coordinator has sent no manifest");
    CROMT_TRY(file.Finish(force_));
    Show(session, to, file.bytes(), names, manifest);
    return ExitCode::kDone;
  }

 private:
  static Error WithoutIt(Error error) {
    if (error.code != ErrorCode::kUnavailable) return error;
    error.message +=
        "\nwithout it, these say what happened last, on each host: 'journalctl -u cromt-coordinator -u cromt-agent -u "
        "cromt-launcher --since -1h', 'cromt-agent doctor'";
    return error;
  }

  static void Show(Session& session, const std::string& to, int64_t bytes, const std::vector<std::string>& names,
                   const Json& manifest) {
    Writer& out = session.world().out;
    Json missing = Json::array();
    if (const auto found = manifest.find("missing_agents"); found != manifest.end() && found->is_array())
      missing = *found;
    if (session.format() == Format::kJson)
      return out.Write(Json{{"to", to}, {"size_bytes", bytes}, {"files", names}, {"missing_agents", missing}}.dump(
                           -1, ' ', false, Json::error_handler_t::replace) +
                       "\n");
    if (session.format() == Format::kQuiet) return out.Write(to + "\n");
    out.Write(fmt::format("{} ({}, {} files)\n", Clean(to), FormatSize(bytes), names.size()));
    for (const Json& agent : missing) {
      if (!agent.is_object()) continue;
      session.messages().Warn(
          fmt::format("without agent {}: {}", Clean(TextOf(agent, "address")), Clean(TextOf(agent, "why"))));
    }
  }

  std::string verb_;
  std::optional<std::string> to_;
  bool force_ = false;
};

std::unique_ptr<Command> Make() {
  return std::make_unique<Debug>();
}

}  // namespace

const CommandInfo kDebugInfo = {
    .name = "debug",
    .usage = "bundle [--to FILE] [--force]",
    .summary = "put what is to be known for finding a fault into one file",
    .about =
        "Writes one file, for its owner alone: how the coordinator and each agent that answers stand, and the last\n"
        "10,000 events of each, as JSON in a tar.gz. It holds ids, names, states and reasons; no output of a job, no\n"
        "command, no variable and no job file, and all secrets that the mesh knows are hidden in it, in each form in\n"
        "which they are hidden in output. An agent that does not answer within 10 s is left out and named.\n"
        "In a mesh it takes an admin.",
    .examples =
        "cromt debug bundle\n"
        "cromt debug bundle --to /tmp/mesh.tar.gz --force",
    .make = Make,
};

}  // namespace cromt::cli
