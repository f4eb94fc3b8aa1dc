// The levels of the protocol of sessions (core/messages.h). In its hello each side names the newest that it speaks and
// the oldest that it still does; the session is of the newest that both speak. What a later level has added is not
// said in it: who is of the version before is only not told what it would not understand. Pure.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace cromt {

// Raised with what is added that a peer of before would have to understand, and at most once a release.
inline constexpr uint32_t kSessionLevel = 4;
// Of the releases one minor version before this; none was before 4.
inline constexpr uint32_t kOldestSessionLevel = 4;

struct SessionLevels {
  uint32_t newest = kSessionLevel;
  uint32_t oldest = kOldestSessionLevel;
  friend bool operator==(const SessionLevels&, const SessionLevels&) = default;
};

// The level of a session between these two. kInvalid says what each of them speaks, and which is to be upgraded.
Result<uint32_t> CommonLevel(const SessionLevels& coordinator, const SessionLevels& agent);

}  // namespace cromt
