#include "core/task_spec.h"

#include <fmt/format.h>

#include "base/name.h"
#include "core/action.h"
#include "core/artifact.h"
#include "core/host_gaps.h"
#include "core/source_path.h"
#include "core/template.h"
#include "core/variables.h"

namespace cromt {
namespace {

const Variables& VarsOf(const Overrides& set) {
  static const Variables kNone;
  return set.vars ? *set.vars : kNone;
}

Error At(const std::string& file, const Project& project, const Error& error) {
  const std::string text = fmt::format("project '{}': {}", project.name, error.message);
  return {error.code, ToString(Diagnostic{Severity::kError, file, project.at, text})};
}

class Filler {
 public:
  Filler(TaskSpec& spec, const Overrides& set) : spec_(spec), vars_(VarsOf(set)), filler_(vars_) {}

  Status Run() {
    CROMT_TRY(Whole("title", spec_.name));
    if (!IsTitle(spec_.name)) return Refuse("title", spec_.name, "a title");
    CROMT_TRY(Whole("branch", spec_.source.ref));
    if (!spec_.source.ref.empty() && !IsRef(spec_.source.ref))
      return Refuse("branch", spec_.source.ref, "a branch, tag or commit");
    for (size_t i = 0; i < vars_.size(); ++i) {
      CROMT_ASSIGN(FilledText value, filler_.Value(i));
      Take(HostGap::In::kVariable, i, std::move(value), spec_.variables[i].second);
    }
    for (size_t i = 0; i < spec_.publishes.size(); ++i) {
      std::string& path = spec_.publishes[i].path;
      auto filled = filler_.Fill(path);
      if (!filled) return Fail(fmt::format("artifact {}", spec_.publishes[i].name), std::move(filled).error());
      if (filled->gaps.empty()) CROMT_TRY(CheckArtifactPath(filled->text));
      Take(HostGap::In::kArtifactPath, i, std::move(*filled), path);
    }
    if (spec_.host_gaps.empty()) return {};
    if (spec_.host_gaps.size() > kMaxHostGaps)
      return Fail(ErrorCode::kInvalid, fmt::format("it holds ${{{{ env }}}} more than {} times", kMaxHostGaps));
    // What can't be right whatever the host says.
    CROMT_TRY(FillHostGaps(spec_, [](const std::string&) { return "x"; }));
    return {};
  }

 private:
  Status Whole(std::string_view key, std::string& text) {
    auto filled = filler_.FillWhole(text);
    if (!filled) return Fail(key, std::move(filled).error());
    text = std::move(*filled);
    return {};
  }

  static Status Refuse(std::string_view key, const std::string& text, std::string_view what) {
    return Fail(ErrorCode::kInvalid, fmt::format("{}: filled in it is {}, which is not {}", key, Quote(text), what));
  }

  void Take(HostGap::In in, size_t index, FilledText filled, std::string& to) {
    for (FilledText::Gap& gap : filled.gaps)
      spec_.host_gaps.push_back(
          {in, static_cast<uint32_t>(index), static_cast<uint32_t>(gap.offset), std::move(gap.name)});
    to = std::move(filled.text);
  }

  TaskSpec& spec_;
  const Variables& vars_;
  TemplateFiller filler_;
};

bool HasOpening(std::string_view raw) {
  return raw.find("${{") != raw.npos;
}

// False for most: their raw texts are the texts themselves.
bool NeedsFilling(const TaskSpec& spec) {
  if (HasOpening(spec.name) || HasOpening(spec.source.ref)) return true;
  for (const ArtifactOut& out : spec.publishes)
    if (HasOpening(out.path)) return true;
  for (const auto& [name, value] : spec.variables)
    if (HasOpening(value)) return true;
  return false;
}

// A variable that is one thing by `vars` and another by `secrets` would be either by chance.
Status CheckMeanings(const TaskSpec& spec) {
  for (const SecretUse& use : spec.secrets)
    if (!use.registry.empty() && !spec.container)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("the secret '{}' is for fetching an image from {}, and there is no container", use.name,
                              use.registry));
  for (const SecretUse& use : spec.secrets)
    for (const auto& [name, value] : spec.variables)
      if (name == use.env)
        return Fail(ErrorCode::kInvalid, fmt::format("variable {} is set by 'vars' and by the secret '{}'; it can be "
                                                     "one of them",
                                                     name, use.name));
  return {};
}

}  // namespace

Result<TaskSpec> MakeSpec(const std::string& file, const Project& project, const Overrides& set) {
  TaskSpec spec;
  spec.name = set.title.empty() ? project.name : set.title;
  spec.project = project.name;
  spec.source = project.source;
  spec.variables = VarsOf(set);
  if (set.timeout && *set.timeout > Duration(0)) spec.timeout = set.timeout;
  if (set.grace) spec.grace = *set.grace;
  if (project.log_limit_bytes) spec.log_limit_bytes = *project.log_limit_bytes;
  spec.retry = {set.retries.value_or(0), set.retry_delay.value_or(Duration(0)),
                set.retry_backoff_permille.value_or(1000)};
  spec.silence = project.silence;
  spec.priority = project.priority;
  spec.inherit_env = project.inherit_env;
  spec.confinement = project.confinement;
  if (set.container) {
    auto container = ContainerOf(*set.container);
    if (!container) return tl::unexpected(At(file, project, container.error()));
    spec.container = std::move(*container);
    spec.limits = ResourcesOf(*set.container);
    if (set.container->sudo.value_or(false) && !spec.container && spec.confinement.user.empty())
      spec.confinement.user = "root";
  }
  if (spec.container && spec.confinement != Confinement())
    return tl::unexpected(At(file, project,
                             {ErrorCode::kInvalid,
                              "'user' and 'sandbox' are for jobs on the host itself; in a container "
                              "write container: {user: …}"}));
  if (set.secrets) spec.secrets = *set.secrets;
  if (Status one = CheckMeanings(spec); !one) return tl::unexpected(At(file, project, one.error()));
  if (project.artifacts) spec.publishes = project.artifacts->out;
  if (project.run)
    spec.work = Script{*project.run};
  else
    spec.work = Actions{set.action.empty() ? std::vector<std::string>{"default"} : set.action,
                        ParseOptions(set.options).value_or(std::vector<std::string>())};  // the reader has checked them
  if (NeedsFilling(spec))
    if (auto filled = Filler(spec, set).Run(); !filled) return tl::unexpected(At(file, project, filled.error()));
  if (SizeOf(spec.variables) > kMaxVariablesBytes)
    return Fail(ErrorCode::kInvalid, fmt::format("the variables of a task of '{}' exceed {} bytes together",
                                                 project.name, kMaxVariablesBytes));
  return spec;
}

Result<AgentAddress> FillUrl(const std::string& file, const Project& project, const Overrides& set) {
  TemplateFiller filler(VarsOf(set));
  Result<AgentAddress> address;
  if (auto url = filler.FillWhole(set.url_template); url)
    address = ParseAgentUrl(*url);
  else
    address = tl::unexpected(std::move(url).error());
  if (!address) return tl::unexpected(At(file, project, {address.error().code, "url: " + address.error().message}));
  return address;
}

}  // namespace cromt
