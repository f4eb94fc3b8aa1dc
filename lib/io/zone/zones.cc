#include "io/zone/zones.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>

#include "base/name.h"
#include "core/diagnostic.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;

// Of a file that is no zone, however it is called.
constexpr size_t kMaxChanges = 10'000;
// What is found in a folder that somebody else has filled.
constexpr size_t kMaxNames = 5'000;

absl::Time ToAbsl(Wall t) {
  return absl::FromUnixMicros(Micros(t));
}

seconds OffsetAt(const absl::TimeZone& zone, Wall t) {
  return seconds(zone.At(ToAbsl(t)).offset);
}

// nullopt for a file that is none of a zone. Abseil keeps what it has read for good, whatever was in it, so `path` must
// be one of few.
std::optional<Zone> ReadZone(std::string name, const std::string& path) {
  std::error_code error;
  absl::TimeZone read;
  if (!fs::is_regular_file(path, error) || !absl::LoadTimeZone(path, &read)) return std::nullopt;
  std::vector<Zone::Change> changes;
  absl::TimeZone::CivilTransition change;
  for (Wall at = kZonesBegin; read.NextTransition(ToAbsl(at), &change);) {
    const Wall next = WallFromMicros(absl::ToUnixMicros(read.At(change.to).trans));
    if (next >= kZonesEnd) break;
    if (next <= at || changes.size() == kMaxChanges) return std::nullopt;
    changes.push_back({next, OffsetAt(read, next)});
    at = next;
  }
  return Zone(std::move(name), OffsetAt(read, kZonesBegin), changes);
}

// posix/ holds all zones a second time, right/ a third, with clocks that count leap seconds.
bool IsZoneOfItsOwn(std::string_view name) {
  return !name.starts_with("posix/") && !name.starts_with("right/");
}

std::string_view LastPart(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

// "…/zoneinfo/Europe/Berlin" → "Europe/Berlin"; empty if it is elsewhere.
std::string NameInPath(const std::string& path) {
  constexpr std::string_view kFolder = "/zoneinfo/";
  const size_t found = path.rfind(kFolder);
  return found == path.npos ? std::string() : path.substr(found + kFolder.size());
}

std::string FirstWord(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> std::setw(128) >> word;
  return word;
}

}  // namespace

Zones::Places Zones::SystemPlaces() {
  Places places{"/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone", std::nullopt};
  if (const char* root = std::getenv("TZDIR"); root && *root == '/') places.root = root;
  if (const char* tz = std::getenv("TZ")) places.tz = tz;
  return places;
}

Result<ZonePtr> Zones::Find(std::string_view name) {
  CROMT_TRY(CheckZoneName(name));
  std::string key(name);
  MutexLock lock(mutex_);
  if (auto known = zones_.find(key); known != zones_.end()) return known->second;
  std::optional<Zone> zone;
  if (name == "UTC" || name == "Etc/UTC")
    zone = Zone(key, seconds(0), {});
  else if (zones_.size() >= kMaxZones)
    return Fail(ErrorCode::kExhausted, fmt::format("more than {} time zones", kMaxZones));
  else if (IsZoneOfItsOwn(name))
    zone = ReadZone(key, places_.root + "/" + key);
  if (!zone) return tl::unexpected(Unknown(name));
  return zones_[key] = std::make_shared<const Zone>(std::move(*zone));
}

ZoneCheck Zones::Checker() {
  return [this](std::string_view name) -> Status {
    CROMT_TRY(Find(name));
    return {};
  };
}

Error Zones::Unknown(std::string_view name) {
  std::error_code error;
  if (!fs::is_directory(places_.root, error))
    return {ErrorCode::kUnavailable,
            fmt::format("time zone {} can't be looked up: this host has no time zone data in {}; install the package "
                        "tzdata",
                        Quote(name), places_.root)};
  const std::vector<std::string>& names = Names();
  std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string hint = DidYouMean(name, candidates);
  if (hint.empty()) {  // "berlin"
    std::ranges::transform(names, candidates.begin(), LastPart);
    const std::string_view city = Nearest(name, candidates);
    const auto found = std::ranges::find(candidates, city);
    if (!city.empty())
      hint = fmt::format("; did you mean {}?", Quote(names[static_cast<size_t>(found - candidates.begin())]));
  }
  return {ErrorCode::kNotFound, fmt::format("there is no time zone {}{}", Quote(name), hint)};
}

const std::vector<std::string>& Zones::Names() {
  if (!names_.empty()) return names_;
  std::error_code error;
  fs::recursive_directory_iterator entry(places_.root, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && entry != end && names_.size() < kMaxNames; entry.increment(error)) {
    std::string name = entry->path().lexically_relative(places_.root).string();
    if (name == "posix" || name == "right") entry.disable_recursion_pending();
    // What is no zone begins with a small letter there: leapseconds, posixrules, zone.tab.
    const bool is_zone = CheckZoneName(name) && LastPart(name)[0] >= 'A' && LastPart(name)[0] <= 'Z';
    if (std::error_code ignored; is_zone && entry->is_regular_file(ignored)) names_.push_back(std::move(name));
  }
  std::ranges::sort(names_);
  return names_;
}

Result<ZonePtr> Zones::OfHost() {
  if (places_.tz) return ByVariable(*places_.tz);
  std::error_code error;
  const fs::file_type type = fs::symlink_status(places_.localtime, error).type();
  if (type == fs::file_type::not_found) return Find("UTC");
  const std::string name = NameInPath(fs::read_symlink(places_.localtime, error).string());
  return name.empty() ? ByFile(places_.localtime) : Find(name);
}

Result<ZonePtr> Zones::ByVariable(std::string_view tz) {
  if (tz.starts_with(':')) tz.remove_prefix(1);
  if (tz.empty()) return Find("UTC");
  const std::string below_root = places_.root + "/";
  if (tz.starts_with(below_root)) tz.remove_prefix(below_root.size());
  if (tz.starts_with('/')) return ByFile(std::string(tz));
  auto zone = Find(tz);
  if (!zone) return Fail("the variable TZ", std::move(zone).error());
  return zone;
}

// A copy of a zone's file has no name; /etc/timezone may tell it, or be of another zone.
Result<ZonePtr> Zones::ByFile(const std::string& path) {
  auto zone = ReadZone(path, path);
  if (!zone) return Fail(ErrorCode::kNotFound, fmt::format("{} is no file of a time zone", path));
  auto named = Find(FirstWord(places_.timezone));
  if (named && std::ranges::equal((*named)->spans(), zone->spans())) return named;
  return std::make_shared<const Zone>(std::move(*zone));
}

}  // namespace cromt
