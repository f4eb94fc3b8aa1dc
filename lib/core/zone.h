// A time zone as core knows it: a table of what the clocks of a place show at which instant. An edge makes it of the
// system's data (io/zone), a test by hand; core never asks the host. An immutable value: any thread may read it.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace cromt {

// What the clocks on the wall show: no instant, since some times come twice and others never.
using LocalTime = std::chrono::local_seconds;

// What zones tell, and so what schedules do: the years 1970 to 2199.
inline constexpr Wall kZonesBegin = WallClock::time_point(seconds(0));
inline constexpr Wall kZonesEnd = WallClock::time_point(seconds(7'258'118'400));

class Zone {
 public:
  // From `at` on clocks are `offset` ahead of UTC.
  struct Change {
    Wall at;
    seconds offset{0};
  };

  // A time without changes: begin <= t < end. The spans of a zone follow each other without a gap.
  struct Span {
    Wall begin;
    Wall end;
    seconds offset{0};
    // All local times before this one were shown, or passed over, before `begin`. Later than what the clocks show at
    // `begin` where they were put back, earlier where they were put forward.
    LocalTime reached;

    // REQUIRES: `t` is in the span, to the second.
    LocalTime LocalAt(Wall t) const;
    // When clocks would show `local` if the span had neither begin nor end.
    Wall InstantOf(LocalTime local) const;

    friend bool operator==(const Span&, const Span&) = default;
  };

  // `offset` holds until the first of `changes`. REQUIRES: these are in order, within kZonesBegin and kZonesEnd
  // without being one of them, and all is to the second.
  Zone(std::string name, seconds offset, std::span<const Change> changes);

  static Zone Utc() { return Zone("UTC", seconds(0), {}); }

  // As people write it: "Europe/Berlin".
  const std::string& name() const { return name_; }
  // In order, never empty, from kZonesBegin to kZonesEnd.
  std::span<const Span> spans() const { return spans_; }
  // The place in spans() of the one that holds `t`; outside of what zones tell, of the nearest.
  size_t IndexOf(Wall t) const;

 private:
  std::string name_;
  std::vector<Span> spans_;
};

// "2026-03-29T03:00:00+02:00": RFC 3339, with what the clocks of `zone` show.
std::string FormatLocal(Wall t, const Zone& zone);

// kInvalid for what is no name such as `Europe/Berlin`, `Etc/GMT+1` or `UTC`: whoever passes on one that is good may
// use it as a path below a folder of zones. Whether there is such a zone is another question.
Status CheckZoneName(std::string_view name);

// Whether there is a zone of this name. kUnavailable: nobody here can tell.
using ZoneCheck = std::function<Status(std::string_view name)>;

}  // namespace cromt
