// Time zones by name, and the host's own: from the system's tzdata, read by Abseil. Nothing is read before a zone is
// asked for; one takes about 0.3 ms then and is kept. So new tzdata acts from the next start of the program on.
// Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "core/zone.h"

namespace cromt {

using ZonePtr = std::shared_ptr<const Zone>;

class Zones {
 public:
  // Where things are found.
  struct Places {
    std::string root;               // the folder of tzdata
    std::string localtime;          // link to a file below such a folder, or the file itself; the host's zone
    std::string timezone;           // file with the name of the host's zone, where `localtime` is no link
    std::optional<std::string> tz;  // the variable TZ, which goes over both
  };
  // As the C library finds them: TZ, TZDIR, /usr/share/zoneinfo and /etc.
  static Places SystemPlaces();

  explicit Zones(Places places = SystemPlaces()) : places_(std::move(places)) {}

  // kInvalid: no name; kNotFound: there is no such zone, with the nearest; kUnavailable: the host has no tzdata, so
  // nobody can tell; kExhausted: kMaxZones others were asked for. UTC is always there.
  Result<ZonePtr> Find(std::string_view name);

  // Find as a question; *this must outlive the answer.
  ZoneCheck Checker();

  // UTC where the host says nothing. Errors are those of Find: a host may name what it does not have.
  Result<ZonePtr> OfHost();

  static constexpr size_t kMaxZones = 1000;  // tzdata has 600

 private:
  Error Unknown(std::string_view name) CROMT_REQUIRES(mutex_);
  const std::vector<std::string>& Names() CROMT_REQUIRES(mutex_);
  Result<ZonePtr> ByVariable(std::string_view tz);
  Result<ZonePtr> ByFile(const std::string& path);

  const Places places_;
  Mutex mutex_;
  std::unordered_map<std::string, ZonePtr> zones_ CROMT_GUARDED_BY(mutex_);
  std::vector<std::string> names_ CROMT_GUARDED_BY(mutex_);  // empty until something unknown is asked for
};

}  // namespace cromt
