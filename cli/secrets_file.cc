#include "cli/secrets_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/name.h"
#include "base/unique_fd.h"
#include "core/diagnostic.h"
#include "core/secret.h"
#include "io/yaml/yaml_tree.h"

namespace cromt::cli {
namespace {

constexpr size_t kMaxBytes = 4 << 20;

// O_NONBLOCK, so that a FIFO is refused and not waited for.
Result<std::string> ReadPrivately(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) return tl::unexpected<Error>(ErrnoError(path, errno));
  if (!S_ISREG(facts.st_mode)) return Fail(ErrorCode::kInvalid, path + " is no regular file");
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Fail(ErrorCode::kDenied, fmt::format("others may read {}; chmod 600 {} first", path, path));
  if (static_cast<uint64_t>(facts.st_size) > kMaxBytes)
    return Fail(ErrorCode::kInvalid, fmt::format("{} is larger than {} bytes", path, kMaxBytes));
  std::string text(kMaxBytes + 1, '\0');
  size_t size = 0;
  for (ssize_t got = 1; got != 0 && size < text.size();) {
    got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno != EINTR) return tl::unexpected<Error>(ErrnoError(path, errno));
    if (got > 0) size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

tl::unexpected<Error> Wrong(const std::string& path, Position at, std::string_view what) {
  return Fail(ErrorCode::kInvalid, fmt::format("{}:{}:{}: {}", path, at.line, at.col, what));
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> ReadSecretsFile(const std::string& path) {
  CROMT_ASSIGN(std::string text, ReadPrivately(path));
  Diagnostics diagnostics(path);
  const auto tree = YamlTree::Read(std::move(text), diagnostics);
  if (!tree || !diagnostics.ok()) {
    // What a reader of YAML says of a text may show it.
    const std::vector<Diagnostic> found = diagnostics.Take();
    return Wrong(path, found.empty() ? Position() : found.front().at,
                 "NAME: VALUE is meant, a line each, no name twice");
  }
  std::vector<std::pair<std::string, std::string>> values;
  if (tree->root().is_null()) return values;
  if (tree->root().kind() != YamlKind::kMap)
    return Wrong(path, tree->root().at(), "a map of names and values is meant");
  for (YamlNode key = tree->root().first(); key; key = key.next().next()) {
    const YamlNode value = key.next();
    const std::string name(key.text());
    if (!IsName(name)) return Wrong(path, key.at(), "this is no name of a secret");
    if (value.kind() != YamlKind::kText) return Wrong(path, value.at(), fmt::format("secret '{}' must be text", name));
    if (Status good = CheckSecretValue(name, value.text()); !good) return Wrong(path, value.at(), good.error().message);
    values.emplace_back(name, value.text());
  }
  return values;
}

}  // namespace cromt::cli
