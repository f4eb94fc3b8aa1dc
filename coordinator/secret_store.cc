#include "coordinator/secret_store.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/bytes.h"
#include "base/mask_patterns.h"
#include "base/name.h"
#include "core/diagnostic.h"
#include "io/config/read_file.h"
#include "io/git/private_file.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

constexpr std::string_view kMagic = "cromt secrets";
constexpr uint32_t kVersion = 1;
constexpr size_t kMaxFileBytes = 128 << 20;

std::string FilePath(const std::string& dir) {
  return dir + "/secrets";
}
std::string KeyPath(const std::string& dir) {
  return dir + "/secrets.key";
}

// Where systemd has put the key, if it has.
std::optional<std::string> CredentialPath() {
  const char* dir = std::getenv("CREDENTIALS_DIRECTORY");
  if (dir == nullptr || *dir != '/') return std::nullopt;
  return std::string(dir) + "/cromt-secrets-key";
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Result<std::string> ParseKey(std::string_view text, const std::string& path) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::string key;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = HexDigit(text[i]), low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) break;
    key += static_cast<char>(high * 16 + low);
  }
  if (text.size() == 2 * kSealKeyBytes && key.size() == kSealKeyBytes) return key;
  return Fail(ErrorCode::kCorrupt, path + " holds no key of secrets: 64 hex digits in lower case are meant");
}

std::string KeyText(const std::string& key) {
  std::string text;
  for (const char c : key) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text + "\n";
}

// nullopt if there is none.
Result<std::optional<std::string>> ReadKey(const std::string& dir) {
  for (const auto& path : {CredentialPath(), std::optional(KeyPath(dir))}) {
    if (!path) continue;
    auto text = ReadPrivateFile(*path);
    if (!text && text.error().code == ErrorCode::kNotFound) continue;
    if (!text) return tl::unexpected<Error>(std::move(text).error());
    CROMT_ASSIGN(std::string key, ParseKey(*text, *path));
    return std::optional(std::move(key));
  }
  return std::optional<std::string>();
}

// What a value is bound to: no other project and name give the same.
std::string BoundTo(const std::string& project, const std::string& name) {
  std::string bound;
  ByteWriter out(bound);
  out.Text(project);
  out.Text(name);
  return bound;
}

Status Foreign(const std::string& project, const std::string& name) {
  if (!project.empty()) CROMT_TRY(CheckName("project", project));
  return CheckName("secret", name);
}

}  // namespace

SecretStore::SecretStore(std::vector<std::pair<std::string, std::string>> given) : given_(std::move(given)) {}

Result<std::unique_ptr<SecretStore>> SecretStore::Open(const std::string& dir) {
  std::unique_ptr<SecretStore> store(new SecretStore(dir));
  CROMT_TRY(store->Load());
  return store;
}

Status SecretStore::Load() {
  MutexLock lock(mutex_);
  CROMT_ASSIGN(std::optional<std::string> key, ReadKey(dir_));
  if (key) sealer_ = std::make_unique<const Sealer>(std::move(*key));
  const std::string path = FilePath(dir_);
  auto bytes = ReadFile(path, kMaxFileBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return {};
  if (!bytes) return tl::unexpected<Error>(std::move(bytes).error());
  ByteReader in(*bytes);
  if (in.Text() != kMagic) return Fail(ErrorCode::kCorrupt, path + " holds no secrets");
  if (const uint32_t version = in.U32(); in.ok() && version != kVersion)
    return Fail(ErrorCode::kCorrupt, fmt::format("{} is of a newer version ({})", path, version));
  const std::string check(in.Text());
  for (uint32_t count = in.U32(); count > 0 && in.ok(); --count) {
    Key place{std::string(in.Text()), std::string(in.Text())};
    Entry entry;
    entry.at = WallFromMicros(in.I64());
    entry.author = in.Text();
    entry.sealed = in.Text();
    entries_.insert_or_assign(std::move(place), std::move(entry));
  }
  if (!in.done()) return Fail(ErrorCode::kCorrupt, path + " is damaged");
  if (entries_.empty()) return {};
  const std::string how = "; put the key back that they were made with, or remove " + path + " to go on without them";
  if (!sealer_)
    return Fail(ErrorCode::kDenied,
                fmt::format("{} holds secrets, and there is no key {}{}", path, KeyPath(dir_), how));
  if (!sealer_->Open(check, kMagic))
    return Fail(ErrorCode::kCorrupt, fmt::format("{} was made with another key, or was changed{}", path, how));
  return {};
}

Status SecretStore::MakeKey() {
  CROMT_ASSIGN(std::string key, NewSealKey());
  CROMT_TRY(WriteFileDurably(KeyPath(dir_), KeyText(key)));
  sealer_ = std::make_unique<const Sealer>(std::move(key));
  return {};
}

Status SecretStore::Write(const std::map<Key, Entry>& entries) {
  CROMT_ASSIGN(const std::string check, sealer_->Seal("", kMagic));
  std::string bytes;
  ByteWriter out(bytes);
  out.Text(kMagic);
  out.U32(kVersion);
  out.Text(check);
  out.U32(static_cast<uint32_t>(entries.size()));
  for (const auto& [place, entry] : entries) {
    out.Text(place.first);
    out.Text(place.second);
    out.I64(Micros(entry.at));
    out.Text(entry.author);
    out.Text(entry.sealed);
  }
  return WriteFileDurably(FilePath(dir_), bytes);
}

Result<std::vector<std::string>> SecretStore::Set(const SecretRequest& request, Wall now) {
  CROMT_TRY(Foreign(request.project, request.name));
  CROMT_TRY(CheckSecretValue(request.name, request.value));
  if (dir_.empty()) return Fail(ErrorCode::kInvalid, "a run without a server keeps no secrets");
  MutexLock lock(mutex_);
  const Key place{request.project, request.name};
  if (entries_.size() >= kMost && !entries_.contains(place))
    return Fail(ErrorCode::kExhausted, fmt::format("there are {} secrets, which is the limit", kMost));
  if (!sealer_) CROMT_TRY(MakeKey());
  Entry entry{.sealed = {}, .at = now, .author = request.author};
  CROMT_ASSIGN(entry.sealed, sealer_->Seal(request.value, BoundTo(request.project, request.name)));
  std::map<Key, Entry> entries = entries_;
  entries.insert_or_assign(place, std::move(entry));
  CROMT_TRY(Write(entries));
  entries_ = std::move(entries);
  std::vector<std::string> warnings;
  if (PlainForms(request.value).empty())
    warnings.push_back(fmt::format("secret '{}' has fewer than {} bytes, so it is not hidden in the output of jobs",
                                   request.name, kShortestMasked));
  return warnings;
}

Status SecretStore::Remove(const std::string& project, const std::string& name) {
  CROMT_TRY(Foreign(project, name));
  MutexLock lock(mutex_);
  std::map<Key, Entry> entries = entries_;
  if (entries.erase({project, name}) == 0) {
    std::vector<std::string_view> names;
    for (const auto& [place, entry] : entries)
      if (place.first == project) names.push_back(place.second);
    return Fail(ErrorCode::kNotFound, fmt::format("{} has no secret {}{}",
                                                  project.empty() ? "no project in particular" : "project " + project,
                                                  Quote(name), DidYouMean(name, names)));
  }
  CROMT_TRY(Write(entries));
  entries_ = std::move(entries);
  return {};
}

std::vector<SecretView> SecretStore::List(const std::string& project) const {
  MutexLock lock(mutex_);
  std::vector<SecretView> views;
  for (const auto& [place, entry] : entries_)
    if (project.empty() || place.first.empty() || place.first == project)
      views.push_back({place.first, place.second, entry.at, entry.author});
  return views;
}

Result<std::vector<std::string>> SecretStore::AllValues() const {
  std::vector<std::string> values;
  for (const auto& [name, value] : given_) values.push_back(value);
  MutexLock lock(mutex_);
  for (const auto& [key, entry] : entries_) {
    auto value = sealer_->Open(entry.sealed, BoundTo(key.first, key.second));
    if (!value) return Fail("secret " + key.second, value.error());
    values.push_back(std::move(*value));
  }
  return values;
}

SecretValues SecretStore::ValuesFor(const std::string& project, const std::vector<SecretUse>& uses) const {
  if (uses.empty()) return nullptr;
  auto values = std::make_shared<std::vector<std::pair<std::string, std::string>>>();
  MutexLock lock(mutex_);
  for (const SecretUse& use : uses) {
    if (FindSecret(values, use.name)) continue;  // it is used twice
    for (const auto& [name, value] : given_)
      if (name == use.name) values->emplace_back(name, value);
    for (const std::string& owner : {project, std::string()}) {
      auto found = entries_.find({owner, use.name});
      if (found == entries_.end() || FindSecret(values, use.name)) continue;
      // One that can't be opened is not there: the task says so.
      if (auto value = sealer_->Open(found->second.sealed, BoundTo(owner, use.name)))
        values->emplace_back(use.name, std::move(*value));
    }
  }
  return values;
}

}  // namespace cromt
