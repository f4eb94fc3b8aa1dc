#include "agent/job_secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/unique_fd.h"

namespace cromt {
namespace {

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

Status WriteSecretFile(const std::string& path, std::string_view value, mode_t mode, const launcher::JobUser* owner) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return tl::unexpected<Error>(ErrnoError("can't make " + path, errno));
  while (!value.empty()) {
    const ssize_t n = ::write(file.get(), value.data(), value.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write " + path, errno));
    value.remove_prefix(static_cast<size_t>(n));
  }
  if (::fchmod(file.get(), mode) == 0 && (!owner || ::fchown(file.get(), owner->uid, owner->gid) == 0)) return {};
  return tl::unexpected<Error>(ErrnoError("can't give away " + path, errno));
}

// The folder, made anew: what another attempt has left there is gone.
Status WriteSecretFiles(const QueuedAttempt& attempt, const std::string& dir, mode_t file_mode, mode_t dir_mode,
                        const launcher::JobUser* owner) {
  std::error_code error;
  std::filesystem::remove_all(dir, error);
  if (::mkdir(dir.c_str(), 0700) != 0) return tl::unexpected<Error>(ErrnoError("can't make " + dir, errno));
  for (const SecretUse& use : attempt.spec->secrets) {
    if (use.file.empty()) continue;
    const std::string* value = FindSecret(attempt.secrets, use.name);
    CROMT_TRY(WriteSecretFile(dir + "/" + use.file, *value, file_mode, owner));
  }
  if (::chmod(dir.c_str(), dir_mode) == 0 && (!owner || ::lchown(dir.c_str(), owner->uid, owner->gid) == 0)) return {};
  return tl::unexpected<Error>(ErrnoError("can't give away " + dir, errno));
}

}  // namespace

bool HasSecretFiles(const TaskSpec& spec) {
  return std::any_of(spec.secrets.begin(), spec.secrets.end(), [](const SecretUse& use) { return !use.file.empty(); });
}

std::vector<std::string> SecretVariables(const QueuedAttempt& attempt, const std::string& dir) {
  std::vector<std::string> variables;
  for (const SecretUse& use : attempt.spec->secrets)
    if (!use.env.empty()) variables.push_back(use.env + "=" + *FindSecret(attempt.secrets, use.name));
  if (HasSecretFiles(*attempt.spec)) variables.push_back(std::string(kSecretsVariable) + "=" + dir);
  return variables;
}

void HideSecrets(launcher::Start& start, const QueuedAttempt& attempt) {
  if (attempt.spec->secrets.empty()) return;
  for (const auto& [name, value] : *attempt.secrets) start.secrets.push_back(value);
  for (const SecretUse& use : attempt.spec->secrets) {
    const std::string& value = *FindSecret(attempt.secrets, use.name);
    const size_t colon = use.registry.empty() ? value.npos : value.find(':');
    if (colon != value.npos && colon + 1 < value.size()) start.secrets.push_back(value.substr(colon + 1));  // by itself
  }
}

Status GiveSecrets(launcher::Start& start, const QueuedAttempt& attempt, const std::string& dir) {
  if (attempt.spec->secrets.empty()) return {};
  for (std::string& variable : SecretVariables(attempt, dir)) {
    std::erase_if(start.env, [&](const std::string& other) { return NameOf(other) == NameOf(variable); });
    start.env.push_back(std::move(variable));
  }
  HideSecrets(start, attempt);
  if (!HasSecretFiles(*attempt.spec)) return {};
  if (start.sandbox == launcher::Sandbox::kStrict)
    for (const SecretUse& use : attempt.spec->secrets)
      if (!use.file.empty()) start.readable.push_back(dir + "/" + use.file);
  return WriteSecretFiles(attempt, dir, 0600, 0700, start.become ? &*start.become : nullptr);
}

Status WriteSecretsForContainer(const QueuedAttempt& attempt, const std::string& dir, const std::string& seen_dir,
                                const std::string& variables) {
  std::string all;
  for (const std::string& variable : SecretVariables(attempt, seen_dir)) all.append(variable).push_back('\0');
  CROMT_TRY(WriteSecretFile(variables, all, 0444, nullptr));
  return HasSecretFiles(*attempt.spec) ? WriteSecretFiles(attempt, dir, 0444, 0755, nullptr) : Status();
}

}  // namespace cromt
