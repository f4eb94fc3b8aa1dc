#include "core/secret.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/name.h"
#include "core/variables.h"

namespace cromt {

namespace {

Status CheckRegistry(const std::string& text) {
  constexpr size_t kMostBytes = 255;
  constexpr std::string_view kMeant = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:";
  if (text.size() <= kMostBytes && text.find_first_not_of(kMeant) == text.npos && text.front() != '-') return {};
  return Fail(ErrorCode::kInvalid, fmt::format("registry of a secret: {}: write HOST or HOST:PORT", Quote(text)));
}

}  // namespace

Status CheckSecretUse(const SecretUse& use) {
  CROMT_TRY(CheckName("secret", use.name));
  if (!use.env.empty() + !use.file.empty() + !use.registry.empty() != 1)
    return Fail(ErrorCode::kInvalid,
                fmt::format("secret {} needs one of 'env', 'file' and 'registry'", Quote(use.name)));
  if (!use.registry.empty()) return CheckRegistry(use.registry);
  return use.file.empty() ? CheckVariableName(use.env) : CheckName("file of a secret", use.file);
}

Status CheckSecretUses(const std::vector<SecretUse>& uses) {
  if (uses.size() > kMaxSecrets)
    return Fail(ErrorCode::kInvalid, fmt::format("{} secrets; at most {} are allowed", uses.size(), kMaxSecrets));
  std::unordered_set<std::string_view> envs, files, registries;
  for (const SecretUse& use : uses) {
    CROMT_TRY(CheckSecretUse(use));
    if (!use.env.empty() && !envs.insert(use.env).second)
      return Fail(ErrorCode::kInvalid, fmt::format("two secrets are to be the variable {}", use.env));
    if (!use.file.empty() && !files.insert(use.file).second)
      return Fail(ErrorCode::kInvalid, fmt::format("two secrets are to be the file {}", use.file));
    if (!use.registry.empty() && !registries.insert(use.registry).second)
      return Fail(ErrorCode::kInvalid, fmt::format("two secrets are for the registry {}", use.registry));
  }
  return {};
}

Status CheckSecretValue(std::string_view name, std::string_view value) {
  if (value.empty()) return Fail(ErrorCode::kInvalid, fmt::format("secret {} has an empty value", Quote(name)));
  if (value.size() > kMaxSecretBytes)
    return Fail(ErrorCode::kInvalid, fmt::format("secret {} has {} bytes; at most {} are allowed", Quote(name),
                                                 value.size(), kMaxSecretBytes));
  return {};
}

const std::string* FindSecret(const SecretValues& values, std::string_view name) {
  if (!values) return nullptr;
  auto found = std::find_if(values->begin(), values->end(), [&](const auto& one) { return one.first == name; });
  return found == values->end() ? nullptr : &found->second;
}

Status CheckDelivered(std::string_view project, const std::vector<SecretUse>& uses, const SecretValues& values) {
  size_t bytes = 0;
  for (const SecretUse& use : uses) {
    const std::string* value = FindSecret(values, use.name);
    if (!value)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("secret '{}', which project '{}' names, has no value", use.name, project));
    bytes += value->size();
    if (!use.env.empty() && value->find('\0') != value->npos)
      return Fail(ErrorCode::kInvalid, fmt::format("secret '{}' of project '{}' holds a NUL, which no variable can; "
                                                   "take it as a file",
                                                   use.name, project));
  }
  if (bytes <= kMaxTaskSecretBytes) return {};
  return Fail(ErrorCode::kInvalid, fmt::format("the secrets of a task of project '{}' have {} bytes together; at most "
                                               "{} are allowed",
                                               project, bytes, kMaxTaskSecretBytes));
}

}  // namespace cromt
