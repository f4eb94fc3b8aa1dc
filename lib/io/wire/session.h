// What coordinator and agent say in a session (core/messages.h) to and from proto/cromt/v1/agent.proto.
//
// Here every item is checked by itself and counted; which message may come when is for core/agent_session.h and
// core/coordinator_session.h. All functions are pure and may be called from any thread.
//
// A lease whose task is the one of the lease before it carries no spec, and whoever reads it shares that task: a plan's
// thousand alike tasks cost one spec a message and one in memory.
#pragma once

#include <vector>

#include "base/result.h"
#include "core/messages.h"
#include "cromt/v1/agent.pb.h"

namespace cromt::wire {

// What gRPC lets through by default. No FromAgent is larger, nor one of the messages of Split.
inline constexpr size_t kMaxMessageBytes = 4 << 20;
inline constexpr size_t kMaxLabels = 64;

// Fills a message that is empty. REQUIRES: each lease has a spec; at most kMaxBatch items of a kind.
void ToProto(const ToAgent& message, v1::ToAgent& proto);
void ToProto(const FromAgent& message, v1::FromAgent& proto);

// The same as messages within kMaxMessageBytes, to be sent in this order: leases that don't fit follow in further ones.
std::vector<v1::ToAgent> Split(const ToAgent& message);

// kInvalid naming the item and field ("stop 3: attempt: …", counted from 1); kExhausted beyond kMaxBatch. A lease of
// which the id can be read and something else can't is none: it says what (Lease::wrong), as do those that share its
// task.
Result<ToAgent> FromProto(const v1::ToAgent& proto);
Result<FromAgent> FromProto(const v1::FromAgent& proto);

}  // namespace cromt::wire
