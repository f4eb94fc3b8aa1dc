#include "core/zone.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"

namespace cromt {
namespace {

constexpr size_t kMaxZoneNameBytes = 64;

bool IsZoneChar(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '+' || c == '/';
}

bool IsZoneName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxZoneNameBytes && std::ranges::all_of(name, IsZoneChar) &&
         !name.starts_with('/') && !name.ends_with('/') && name.find("//") == name.npos;
}

}  // namespace

LocalTime Zone::Span::LocalAt(Wall t) const {
  return LocalTime(std::chrono::floor<seconds>(t.time_since_epoch()) + offset);
}

Wall Zone::Span::InstantOf(LocalTime local) const {
  return Wall(local.time_since_epoch() - offset);
}

Zone::Zone(std::string name, seconds offset, std::span<const Change> changes) : name_(std::move(name)) {
  spans_.reserve(changes.size() + 1);
  spans_.push_back({kZonesBegin, kZonesEnd, offset, {}});
  spans_[0].reached = spans_[0].LocalAt(kZonesBegin);
  for (const Change& change : changes) {
    Span& before = spans_.back();
    before.end = change.at;
    const LocalTime reached = std::max(before.reached, before.LocalAt(change.at));
    spans_.push_back({change.at, kZonesEnd, change.offset, reached});
  }
}

size_t Zone::IndexOf(Wall t) const {
  const auto after = std::ranges::upper_bound(spans_, t, {}, &Span::begin);
  return after == spans_.begin() ? 0 : static_cast<size_t>(after - spans_.begin()) - 1;
}

std::string FormatLocal(Wall t, const Zone& zone) {
  const Zone::Span& span = zone.spans()[zone.IndexOf(t)];
  const LocalTime local = span.LocalAt(t);
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(local - day);
  const std::chrono::hh_mm_ss offset(span.offset);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), offset.is_negative() ? '-' : '+',
                     offset.hours().count(), offset.minutes().count());
}

Status CheckZoneName(std::string_view name) {
  if (IsZoneName(name)) return {};
  return Fail(ErrorCode::kInvalid,
              fmt::format("{} is no name of a time zone; write one such as Europe/Berlin or UTC", Quote(name)));
}

}  // namespace cromt
