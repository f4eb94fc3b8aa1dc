#include "core/host_gaps.h"

#include <fmt/format.h>

#include "core/artifact.h"
#include "core/variables.h"

namespace cromt {
namespace {

// The text that a gap is in; null if there is none.
std::string* TextOf(TaskSpec& spec, const HostGap& gap) {
  if (gap.in == HostGap::In::kVariable)
    return gap.index < spec.variables.size() ? &spec.variables[gap.index].second : nullptr;
  return gap.index < spec.publishes.size() ? &spec.publishes[gap.index].path : nullptr;
}

}  // namespace

Result<TaskSpec> FillHostGaps(TaskSpec spec,
                              const std::function<std::optional<std::string>(const std::string&)>& environment) {
  // From the last to the first: what lies before a gap is still where it was.
  const std::vector<HostGap> gaps = std::move(spec.host_gaps);
  spec.host_gaps.clear();
  for (auto gap = gaps.rbegin(); gap != gaps.rend(); ++gap) {
    std::string* text = TextOf(spec, *gap);
    if (!text || gap->offset > text->size()) return Fail(ErrorCode::kInvalid, "a gap for ${{ env }} lies nowhere");
    auto value = environment(gap->name);
    if (!value)
      return Fail(ErrorCode::kInvalid, fmt::format("${{{{ env.{0} }}}}: the host's environment has no {0}", gap->name));
    if (text->size() + value->size() > kMaxVariableBytes)
      return Fail(ErrorCode::kInvalid, fmt::format("${{{{ env.{} }}}}: with its value there are more than {} bytes",
                                                   gap->name, kMaxVariableBytes));
    text->insert(gap->offset, *value);
  }
  for (const HostGap& gap : gaps)
    if (gap.in == HostGap::In::kArtifactPath) {
      const ArtifactOut& out = spec.publishes[gap.index];
      if (auto good = CheckArtifactPath(out.path); !good)
        return Fail(fmt::format("artifact {}", out.name), std::move(good).error());
    }
  if (SizeOf(spec.variables) > kMaxVariablesBytes)
    return Fail(ErrorCode::kInvalid,
                fmt::format("with ${{{{ env }}}} filled in, the variables exceed {} bytes", kMaxVariablesBytes));
  return spec;
}

}  // namespace cromt
