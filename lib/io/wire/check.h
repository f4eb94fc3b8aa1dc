// What a task from outside may hold: the gate for every RPC, and for whoever makes a task that is to be sent.
// A task that passes Check here is accepted by every peer of this version, so a coordinator checks its tasks when it
// plans them, not when they are leased. All functions are pure and linear; errors are kInvalid and begin with the
// field: "source.commit: …".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "core/model.h"

namespace cromt::wire {

inline constexpr size_t kMaxArguments = 10'000;
inline constexpr size_t kMaxArgumentsBytes = 2 << 20;  // of one command, together
inline constexpr size_t kMaxScriptBytes = 1 << 20;
inline constexpr size_t kMaxActions = 100;
inline constexpr size_t kMaxExitCodes = 256;  // of one list
inline constexpr size_t kMaxPathBytes = 4096;
inline constexpr int64_t kMaxLogLimitBytes = int64_t{1} << 40;
inline constexpr Duration kMaxDuration = std::chrono::hours(24 * 3650);
// Of a whole spec as a message, so that one always fits into a message or a journal record of 4 MiB.
inline constexpr size_t kMaxSpecBytes = (3 << 20) + (512 << 10);

// Names by base/name.h, variables by core/variables.h, actions by core/action.h, repositories by core/source_path.h.
Status Check(const TaskSpec& spec);
Status Check(const Work& work);
Status Check(const Variables& variables);  // also that no name repeats
Status Check(const Source& source);        // an unresolved one is fine
Status Check(const Digest& digest);        // an empty one is an error

// At least as many bytes as the spec's message has.
size_t EncodedBound(const TaskSpec& spec);

}  // namespace cromt::wire
