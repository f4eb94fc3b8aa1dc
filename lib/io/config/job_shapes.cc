#include "io/config/job_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <unordered_set>
#include <utility>

#include "base/name.h"
#include "base/size.h"
#include "base/time.h"
#include "core/artifact.h"
#include "core/cron.h"
#include "core/secret.h"
#include "core/source_path.h"
#include "core/template.h"
#include "core/zone.h"
#include "io/config/flag_word.h"

namespace cromt {
namespace {

using Words = std::initializer_list<std::string_view>;

template <class T>
bool Reads(std::string_view text, T& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsOneOf(std::string_view text, Words words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool IsCount(std::string_view text) {
  uint32_t number = 0;
  return Reads(text, number) && number <= 1'000'000;
}

bool IsInteger(std::string_view text) {
  int32_t number = 0;
  return Reads(text, number);
}

bool IsFactor(std::string_view text) {
  double number = 0;
  return Reads(text, number) && number >= 1 && number <= 1000;
}

bool IsSize(std::string_view text) {
  constexpr int64_t kMost = int64_t{1} << 40;
  auto bytes = ParseSize(text);
  return bytes && *bytes <= kMost;
}

bool IsShare(std::string_view text) {
  uint32_t number = 0;
  if (!text.ends_with('%')) return IsCount(text);
  return Reads(text.substr(0, text.size() - 1), number) && number <= 100;
}

bool IsWaitOr(std::string_view text, Words words) {
  if (text.starts_with("wait ")) return ParseDuration(text.substr(5)).has_value();
  return IsOneOf(text, words);
}

bool IsText(Shape shape, std::string_view text) {
  switch (shape) {
    case Shape::kFlag: return FlagWord(text).has_value();
    case Shape::kCount: return IsCount(text);
    case Shape::kInteger: return IsInteger(text);
    case Shape::kFactor: return IsFactor(text);
    case Shape::kDuration: return ParseDuration(text).has_value();
    case Shape::kSize: return IsSize(text);
    case Shape::kLane: return IsName(text);
    case Shape::kRef: return ScanTemplates(text).any() || IsRef(Unescape(text));
    case Shape::kZone: return CheckZoneName(text).has_value();
    case Shape::kShare: return IsShare(text);
    case Shape::kWhen: return IsOneOf(text, {"always", "failure", "success"});
    case Shape::kOnFailure: return IsOneOf(text, {"fail", "ignore"});
    case Shape::kOnUnreachable: return IsWaitOr(text, {"fail", "skip"});
    case Shape::kOnLost: return IsWaitOr(text, {"fail", "retry"});
    case Shape::kOverlap: return IsOneOf(text, {"skip", "queue", "allow"});
    case Shape::kCatchUp: return IsOneOf(text, {"last", "none"});
    case Shape::kSandbox: return IsOneOf(text, {"off", "standard", "strict"});
    default: return true;
  }
}

std::string_view Expected(Shape shape) {
  switch (shape) {
    case Shape::kFlag: return "true or false";
    case Shape::kCount: return "a whole number from 0 to 1000000";
    case Shape::kInteger: return "a whole number";
    case Shape::kFactor: return "a number from 1 to 1000";
    case Shape::kDuration: return "a duration such as 90, 90s, 5m or 2h";
    case Shape::kSize: return "a size such as 256MiB";
    case Shape::kMap: return "a map";
    case Shape::kList: return "a list";
    case Shape::kSecrets: return "a list of {name, env}, {name, file} or {name, registry}";
    case Shape::kTextOrMap: return "text or a map";
    case Shape::kLane: return "a queue's name or {name, scope: agent}";
    case Shape::kRef: return "a branch, tag or commit";
    case Shape::kCron: return "five fields such as '*/10 * * * *', or @hourly, @daily, …, @reboot";
    case Shape::kZone: return "a time zone such as Europe/Berlin or UTC";
    case Shape::kShare: return "a number or a percentage";
    case Shape::kArtifacts: return "a map of in and out";
    case Shape::kPool: return "a map of labels and count";
    case Shape::kHook: return "{secret: NAME}";
    case Shape::kWhen: return "always, failure or success";
    case Shape::kOnFailure: return "fail or ignore";
    case Shape::kOnUnreachable: return "fail, skip or 'wait DURATION'";
    case Shape::kOnLost: return "fail, retry or 'wait DURATION'";
    case Shape::kOverlap: return "skip, queue or allow";
    case Shape::kCatchUp: return "last or none";
    case Shape::kSandbox: return "off, standard or strict";
    default: return "text";
  }
}

YamlKind KindOf(Shape shape) {
  if (shape == Shape::kMap || shape == Shape::kArtifacts || shape == Shape::kPool || shape == Shape::kHook)
    return YamlKind::kMap;
  return shape == Shape::kList || shape == Shape::kSecrets ? YamlKind::kList : YamlKind::kText;
}

// Checks what lies within maps and lists. Nothing here follows the file deeper than the shape is known.
class Inner {
 public:
  Inner(std::string_view key, Diagnostics& diagnostics) : key_(key), diagnostics_(diagnostics) {}

  void Cron(YamlNode text) {
    if (auto schedule = ParseCron(text.text()); !schedule)
      diagnostics_.Error(text.at(schedule.error().at), fmt::format("'{}': {}", key_, schedule.error().message));
  }

  void Lane(YamlNode map) {
    bool has_name = false;
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      std::string_view value = key.next().text();
      has_name |= key.text() == "name";
      if (key.text() != "name" && key.text() != "scope")
        Wrong(key, fmt::format("unknown key {}", Quote(key.text())));
      else if (key.text() == "name" && !IsName(value))
        Wrong(key.next(), fmt::format("bad name {}", Quote(value)));
      else if (key.text() == "scope" && !IsOneOf(value, {"agent", "mesh"}))
        Wrong(key.next(), "scope must be agent or mesh");
    }
    if (!has_name) Wrong(map, "a queue needs 'name'");
  }

  void Pool(YamlNode map) {
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      const YamlNode value = key.next();
      if (key.text() == "labels" && (value.is_null() || value.kind() == YamlKind::kMap))
        Labels(value);
      else if (key.text() == "labels")
        Wrong(value, fmt::format("'labels': {} where a map is meant", ToString(value.kind())));
      else if (key.text() != "count")
        Wrong(key, fmt::format("unknown key {}", Quote(key.text())));
      else if (value.kind() != YamlKind::kText || (value.text() != "all" && CountOf(value.text()) == 0))
        Wrong(value, "'count' must be all or a number from 1 on");
    }
  }

  void Hook(YamlNode map) {
    bool has_secret = false;
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      has_secret |= key.text() == "secret";
      if (key.text() != "secret")
        Wrong(key, fmt::format("unknown key {}", Quote(key.text())));
      else if (key.next().kind() != YamlKind::kText || !IsName(key.next().text()))
        Wrong(key.next(), "'secret' must be the name of a secret");
    }
    if (!has_secret) Wrong(map, "it needs 'secret', the name of the secret that signs it");
  }

  void Artifacts(YamlNode map) {
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      if (key.text() != "in" && key.text() != "out")
        Wrong(key, fmt::format("unknown key {}", Quote(key.text())));
      else
        ArtifactList(key.next(), key.text() == "in");
    }
  }

  void Secrets(YamlNode list) {
    if (list.size() > kMaxSecrets) Wrong(list, fmt::format("more than {} entries", kMaxSecrets));
    std::unordered_set<std::string> seen;  // "env NAME", "file NAME"
    for (YamlNode entry = list.first(); entry; entry = entry.next()) {
      if (entry.kind() != YamlKind::kMap)
        Wrong(entry, "an entry must be {name, env}, {name, file} or {name, registry}");
      else
        Secret(entry, seen);
    }
  }

 private:
  void Secret(YamlNode map, std::unordered_set<std::string>& seen) {
    SecretUse use;
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      const YamlNode value = key.next();
      const bool known = IsOneOf(key.text(), {"name", "env", "file", "registry"});
      if (!known)
        return Wrong(key,
                     fmt::format("unknown key {}; an entry has name, and env, file or registry", Quote(key.text())));
      if (value.kind() != YamlKind::kText || value.text().empty())
        return Wrong(value, fmt::format("'{}' must be text", key.text()));
      if (ScanTemplates(value.text()).any() || ScanTemplates(value.text()).malformed)
        return Wrong(value, fmt::format("'{}' takes no ${{{{ }}}}", key.text()));
      FieldOf(use, key.text()) = value.text();
      if (key.text() != "name" && !seen.insert(fmt::format("{} {}", key.text(), value.text())).second)
        Wrong(value, fmt::format("{} {} is there twice", key.text(), Quote(value.text())));
    }
    if (use.name.empty()) return Wrong(map, "an entry needs 'name'");
    if (Status good = CheckSecretUse(use); !good) Wrong(map, good.error().message);
  }

  void Labels(YamlNode map) {
    for (YamlNode key = map.first(); key; key = key.next().next())
      if (!IsName(key.text()))
        Wrong(key, fmt::format("bad name {}", Quote(key.text())));
      else if (key.next().kind() != YamlKind::kText || !IsTitle(key.next().text()))
        Wrong(key.next(), fmt::format("the label {} must be text", Quote(key.text())));
  }

  void ArtifactList(YamlNode list, bool is_in) {
    if (list.is_null()) return;
    if (list.kind() != YamlKind::kList)
      return Wrong(list, fmt::format("{} where a list is meant", ToString(list.kind())));
    for (YamlNode entry = list.first(); entry; entry = entry.next()) {
      if (is_in && entry.kind() == YamlKind::kText)
        Name(entry);
      else if (entry.kind() != YamlKind::kMap)
        Wrong(entry, is_in ? "an entry must be a name or {file, hosts}" : "an entry must be {file, path}");
      else
        ArtifactEntry(entry, is_in ? "hosts" : "path");
    }
  }

  void ArtifactEntry(YamlNode map, std::string_view second) {
    bool has_file = false, has_path = false;
    for (YamlNode key = map.first(); key; key = key.next().next()) {
      if (key.text() == "file") {
        has_file = true;
        Name(key.next());
      } else if (key.text() != second) {
        Wrong(key, fmt::format("unknown key {}", Quote(key.text())));
      } else if (key.next().kind() != YamlKind::kText) {
        Wrong(key.next(), fmt::format("'{}' must be text", second));
      } else if (second == "hosts" && key.next().text() != "all") {
        Wrong(key.next(), "'hosts' must be all");
      } else if (second == "path") {
        has_path = true;
        Path(key.next());
      }
    }
    if (!has_file) Wrong(map, "an entry needs 'file'");
    if (second == "path" && !has_path) Wrong(map, "an entry of 'out' needs 'path'");
  }

  void Path(YamlNode node) {
    if (ScanTemplates(node.text()).any()) return;  // known once they are filled in
    if (auto good = CheckArtifactPath(Unescape(node.text())); !good) Wrong(node, good.error().message);
  }

  void Name(YamlNode node) {
    if (node.kind() != YamlKind::kText || !IsName(node.text()))
      Wrong(node, fmt::format("bad artifact name {}", Quote(node.text())));
  }

  void Wrong(YamlNode node, std::string_view what) {
    diagnostics_.Error(node.at(), fmt::format("'{}': {}", key_, what));
  }

  std::string_view key_;
  Diagnostics& diagnostics_;
};

bool TakesMapToo(Shape shape) {
  return shape == Shape::kTextOrMap || shape == Shape::kLane;
}

}  // namespace

bool CheckShape(const JobKey& key, YamlNode value, Diagnostics& diagnostics) {
  const size_t errors = diagnostics.errors();
  bool is_unset = value.is_null() || (value.kind() == YamlKind::kText && value.text().empty());
  if (is_unset || key.shape == Shape::kAny) return true;
  bool is_map = value.kind() == YamlKind::kMap;
  Inner inner(key.name, diagnostics);
  if (value.kind() != KindOf(key.shape) && !(is_map && TakesMapToo(key.shape)))
    diagnostics.Error(value.at(),
                      fmt::format("'{}': {} where {} is meant", key.name, ToString(value.kind()), Expected(key.shape)));
  else if (value.kind() == YamlKind::kText && !IsText(key.shape, value.text()))
    diagnostics.Error(value.at(),
                      fmt::format("'{}': {} is not {}", key.name, Quote(value.text()), Expected(key.shape)));
  else if (key.shape == Shape::kCron)
    inner.Cron(value);
  else if (key.shape == Shape::kLane && is_map)
    inner.Lane(value);
  else if (key.shape == Shape::kArtifacts)
    inner.Artifacts(value);
  else if (key.shape == Shape::kPool)
    inner.Pool(value);
  else if (key.shape == Shape::kSecrets)
    inner.Secrets(value);
  else if (key.shape == Shape::kHook)
    inner.Hook(value);
  return diagnostics.errors() == errors;
}

std::string& FieldOf(SecretUse& use, std::string_view key) {
  return key == "name" ? use.name : key == "env" ? use.env : key == "file" ? use.file : use.registry;
}

uint32_t CountOf(std::string_view text) {
  uint32_t number = 0;
  return Reads(text, number) ? number : 0;
}

uint32_t PermilleOf(std::string_view text) {
  double number = 0;
  return Reads(text, number) ? static_cast<uint32_t>(std::lround(number * 1000)) : 0;
}

int64_t BytesOf(std::string_view text) {
  return ParseSize(text).value_or(0);
}

Duration DurationOf(std::string_view text) {
  return ParseDuration(text).value_or(Duration(0));
}

int32_t IntegerOf(std::string_view text) {
  int32_t number = 0;
  (void)Reads(text, number);
  return number;
}

FailureShare ShareOf(std::string_view text) {
  const bool percent = text.ends_with('%');
  return {CountOf(text.substr(0, text.size() - (percent ? 1 : 0))), percent};
}

std::optional<Duration> WaitOf(std::string_view text) {
  if (!text.starts_with("wait ")) return std::nullopt;
  return DurationOf(text.substr(5));
}

bool HasEffect(const JobKey& key, YamlNode value) {
  if (value.kind() != YamlKind::kText) return value.size() > 0;
  if (key.shape == Shape::kFlag) return FlagWord(value.text()).value_or(true);
  if (key.shape == Shape::kRef) return value.text() != "HEAD";
  return !value.text().empty();
}

}  // namespace cromt
