#include "io/wire/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "base/name.h"
#include "core/action.h"
#include "core/artifact.h"
#include "core/host_gaps.h"
#include "core/source_path.h"
#include "core/variables.h"
#include "io/wire/field.h"

namespace cromt::wire {
namespace {

constexpr size_t kSha256Digits = 64;
constexpr size_t kCommitDigits = 40;
constexpr int kMaxExitCode = 255;
constexpr uint32_t kMaxRetries = 1'000'000;
constexpr uint32_t kMaxBackoffPermille = 1'000'000;

bool HasNul(std::string_view text) {
  return text.find('\0') != text.npos;
}

bool IsLowerHex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status Check(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) return Invalid("command.argv", "names no program");
  if (command.argv.size() > kMaxArguments)
    return Invalid("command.argv",
                   fmt::format("{} arguments; at most {} are allowed", command.argv.size(), kMaxArguments));
  size_t bytes = 0;
  for (size_t i = 0; i < command.argv.size(); ++i) {
    bytes += command.argv[i].size();
    if (HasNul(command.argv[i])) return Invalid("command.argv", fmt::format("argument {} contains a NUL", i));
  }
  if (bytes > kMaxArgumentsBytes)
    return Invalid("command.argv", fmt::format("{} bytes; at most {} are allowed", bytes, kMaxArgumentsBytes));
  return {};
}

Status Check(const Script& script) {
  if (script.text.size() > kMaxScriptBytes)
    return Invalid("script.text", fmt::format("{} bytes; at most {} are allowed", script.text.size(), kMaxScriptBytes));
  if (HasNul(script.text)) return Invalid("script.text", "contains a NUL");
  return {};
}

Status Check(const Actions& actions) {
  if (actions.names.empty()) return Invalid("actions.names", "is empty");
  if (actions.names.size() > kMaxActions)
    return Invalid("actions.names",
                   fmt::format("{} actions; at most {} are allowed", actions.names.size(), kMaxActions));
  for (const std::string& name : actions.names) {
    auto words = In("actions.names: ", ParseAction(name));
    if (!words) return tl::unexpected(std::move(words).error());
    if (words->size() != 1 || words->front() != name)
      return Invalid("actions.names", fmt::format("{} is not one name", Quote(name)));
  }
  if (actions.options.size() > kMaxActions)
    return Invalid("actions.options",
                   fmt::format("{} options; at most {} are allowed", actions.options.size(), kMaxActions));
  for (const std::string& option : actions.options)
    if (!IsActingOption(option)) return Invalid("actions.options", fmt::format("{} is unknown", Quote(option)));
  return {};
}

// A branch, tag or commit as git names it; what more git forbids is found where it is resolved.
Status CheckRef(std::string_view field, const std::string& ref) {
  if (ref.empty() || (IsTitle(ref) && !ref.starts_with('-'))) return {};
  return Invalid(field, fmt::format("{} is no name of a branch, tag or commit", Quote(ref)));
}

Status CheckDirectory(const std::string& directory) {
  if (directory.size() > kMaxPathBytes)
    return Invalid("source.directory",
                   fmt::format("{} bytes; at most {} are allowed", directory.size(), kMaxPathBytes));
  if (HasNul(directory)) return Invalid("source.directory", "contains a NUL");
  return {};
}

Status CheckCodes(std::string_view field, const std::vector<int>& codes) {
  if (codes.size() > kMaxExitCodes)
    return Invalid(field, fmt::format("{} exit codes; at most {} are allowed", codes.size(), kMaxExitCodes));
  for (int code : codes) CROMT_TRY(InRange(field, code, 0, kMaxExitCode));
  return {};
}

Status CheckPublishes(const TaskSpec& spec) {
  const auto& publishes = spec.publishes;
  if (publishes.size() > kMaxArtifacts)
    return Invalid("publishes", fmt::format("{} artifacts; at most {} are allowed", publishes.size(), kMaxArtifacts));
  std::unordered_set<uint32_t> gapped;  // checked once it is whole
  for (const HostGap& gap : spec.host_gaps)
    if (gap.in == HostGap::In::kArtifactPath) gapped.insert(gap.index);
  std::unordered_set<std::string_view> seen;
  for (uint32_t i = 0; i < publishes.size(); ++i) {
    const ArtifactOut& out = publishes[i];
    CROMT_TRY(In("publishes: ", CheckName("name", out.name)));
    if (!gapped.contains(i)) CROMT_TRY(In("publishes: ", CheckArtifactPath(out.path)));
    if (!IsUtf8(out.path)) return Invalid("publishes", "a path is not UTF-8");
    if (!seen.insert(out.name).second) return Invalid("publishes", fmt::format("{} is there twice", Quote(out.name)));
  }
  return {};
}

Status CheckHostGaps(const TaskSpec& spec) {
  const auto& gaps = spec.host_gaps;
  if (gaps.empty()) return {};
  if (gaps.size() > kMaxHostGaps)
    return Invalid("host_gaps", fmt::format("{}; at most {} are allowed", gaps.size(), kMaxHostGaps));
  for (size_t i = 0; i < gaps.size(); ++i) {
    if (!IsVariableName(gaps[i].name)) return Invalid("host_gaps", Quote(gaps[i].name) + " is no variable's name");
    auto place = [](const HostGap& gap) { return std::tuple(gap.in, gap.index, gap.offset); };
    if (i > 0 && place(gaps[i]) < place(gaps[i - 1])) return Invalid("host_gaps", "are not in order");
  }
  CROMT_TRY(In("host_gaps: ", FillHostGaps(spec, [](const std::string&) { return "x"; })));
  return {};
}

}  // namespace

Status Check(const Work& work) {
  return std::visit([](const auto& kind) { return Check(kind); }, work);
}

Status Check(const Variables& variables) {
  std::unordered_set<std::string_view> seen;
  for (const auto& [name, value] : variables) {
    CROMT_TRY(In("variables: ", CheckVariableName(name)));
    CROMT_TRY(In("variables: ", CheckVariableValue(name, value)));
    if (!seen.insert(name).second) return Invalid("variables", fmt::format("{} is there twice", Quote(name)));
  }
  if (size_t bytes = SizeOf(variables); bytes > kMaxVariablesBytes)
    return Invalid("variables", fmt::format("{} bytes; at most {} are allowed", bytes, kMaxVariablesBytes));
  return {};
}

Status Check(const Source& source) {
  if (!source.directory.empty() && !source.repository.empty())
    return Invalid("source", "has both a directory and a repository");
  CROMT_TRY(CheckDirectory(source.directory));
  if (!source.repository.empty()) {
    CROMT_TRY(In("source.repository: ", ParseSourcePath(source.repository)));
    if (!IsUtf8(source.repository)) return Invalid("source.repository", "is not UTF-8");
  }
  CROMT_TRY(CheckRef("source.ref", source.ref));
  CROMT_TRY(CheckRef("source.branch", source.branch));
  if (!source.commit.empty() && !IsLowerHex(source.commit, kCommitDigits))
    return Invalid("source.commit", fmt::format("{} is not 40 lower-case hex digits", Quote(source.commit)));
  if (source.tree.empty() && source.tree.size_bytes == 0) return {};
  return In("source.tree.", Check(source.tree));
}

Status Check(const Digest& digest) {
  if (!IsLowerHex(digest.sha256, kSha256Digits))
    return Invalid("sha256", fmt::format("{} is not 64 lower-case hex digits", Quote(digest.sha256)));
  return InRange("size_bytes", digest.size_bytes, 0, INT64_MAX);
}

Status Check(const TaskSpec& spec) {
  if (!IsTitle(spec.name))
    return Invalid("name", fmt::format("{} is no title: 1 to {} bytes of UTF-8 without control characters",
                                       Quote(spec.name), kMaxTitleBytes));
  CROMT_TRY(CheckName("project", spec.project));
  CROMT_TRY(Check(spec.work));
  CROMT_TRY(Check(spec.variables));
  CROMT_TRY(Check(spec.source));
  if (spec.timeout && (*spec.timeout <= Duration(0) || *spec.timeout > kMaxDuration))
    return Invalid("timeout", "must be above 0 and at most 10 years");
  if (spec.grace < Duration(0) || spec.grace > kMaxDuration) return Invalid("grace", "must be within 0 and 10 years");
  CROMT_TRY(InRange("log_limit_bytes", spec.log_limit_bytes, 0, kMaxLogLimitBytes));
  CROMT_TRY(CheckCodes("exit_policy.success", spec.exit_policy.success));
  CROMT_TRY(CheckCodes("exit_policy.stop", spec.exit_policy.stop));
  CROMT_TRY(InRange("retry.retries", spec.retry.retries, 0, kMaxRetries));
  CROMT_TRY(InRange("retry.backoff_permille", spec.retry.backoff_permille, 1000, kMaxBackoffPermille));
  CROMT_TRY(CheckPublishes(spec));
  CROMT_TRY(CheckHostGaps(spec));
  if (spec.container) CROMT_TRY(In("container: ", CheckContainer(*spec.container)));
  CROMT_TRY(In("limits: ", CheckResources(spec.limits)));
  CROMT_TRY(In("secrets: ", CheckSecretUses(spec.secrets)));
  if (!spec.confinement.user.empty()) CROMT_TRY(In("confinement.user: ", CheckUserName(spec.confinement.user)));
  if (size_t bytes = EncodedBound(spec); bytes > kMaxSpecBytes)
    return Fail(ErrorCode::kInvalid,
                fmt::format("spec: {} bytes as a message; at most {} are allowed", bytes, kMaxSpecBytes));
  return {};
}

size_t EncodedBound(const TaskSpec& spec) {
  constexpr size_t kTag = 6;      // of a field with a length: one byte and a varint
  constexpr size_t kFixed = 300;  // all numbers, the digest and the commit
  size_t bytes = kFixed + spec.name.size() + spec.project.size() + spec.confinement.user.size() + 4 * kTag;
  const Source& source = spec.source;
  for (const auto* text : {&source.directory, &source.repository, &source.ref, &source.branch})
    bytes += text->size() + kTag;
  if (const auto* command = std::get_if<Command>(&spec.work))
    for (const std::string& argument : command->argv) bytes += argument.size() + kTag;
  if (const auto* script = std::get_if<Script>(&spec.work)) bytes += script->text.size();
  if (const auto* actions = std::get_if<Actions>(&spec.work))
    for (const std::string& name : actions->names) bytes += name.size() + kTag;
  for (const ArtifactOut& out : spec.publishes) bytes += out.name.size() + out.path.size() + 3 * kTag;
  for (const SecretUse& use : spec.secrets)
    bytes += use.name.size() + use.env.size() + use.file.size() + use.registry.size() + 5 * kTag;
  for (const HostGap& gap : spec.host_gaps) bytes += gap.name.size() + 5 * kTag;
  if (const auto& container = spec.container) {
    constexpr size_t kNumbers = 100;
    bytes += kNumbers + container->existing.size() + container->image.size() + container->network.size() +
             container->user.size();
    for (const ContainerMount& mount : container->mounts) bytes += mount.source.size() + mount.target.size() + 4 * kTag;
    for (const auto* words : {&container->capabilities, &container->devices})
      for (const std::string& word : *words) bytes += word.size() + kTag;
  }
  bytes += SizeOf(spec.variables) + spec.variables.size() * 3 * kTag;
  return bytes + (spec.exit_policy.success.size() + spec.exit_policy.stop.size()) * 2;
}

}  // namespace cromt::wire
