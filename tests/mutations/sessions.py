"""What coordinator and agent say to each other: lib/core/agent_session.cc, coordinator_session.cc,
and what an agent remembers of it."""

from mutation import Mutation

AGENT = "lib/core/agent_session.cc"
COORDINATOR = "lib/core/coordinator_session.cc"

MUTATIONS = [
    Mutation("lease-lasts-too-long", "An agent thinks that its leases last ten times as long.", AGENT,
             "echoed->second + kLeaseTime});", "echoed->second + 10 * kLeaseTime});", 600),
    Mutation("lease-is-never-extended", "An agent takes no echo for an extension of its leases.", AGENT,
             "  events.push_back(queue_event::LeasesExtended{hello_.mesh, echoed->second + kLeaseTime});",
             "  events.push_back(queue_event::LeasesExtended{hello_.mesh, echoed->second});", 5),
    Mutation("echo-not-sent", "The coordinator echoes no heartbeat.", COORDINATOR,
             "message.heartbeat_echo = std::exchange(echo_, 0);", "message.heartbeat_echo = std::exchange(echo_, 0) * 0;", 5),
    Mutation("verdict-is-not-obeyed", "An agent goes on with what a verdict says to stop.", AGENT,
             "    if (verdict.kind == Verdict::Kind::kStop) events", "    if (verdict.kind == Verdict::Kind::kForget) events", 200),
    Mutation("verdict-before-a-stop", "A stop that a session brings is dropped where it brings verdicts, too.", AGENT,
             "for (const AttemptId& id : message.stops) events.push_back(queue_event::StopWanted{hello_.mesh, id});",
             "if (message.leases.empty())\n    for (const AttemptId& id : message.stops) events.push_back(queue_event::StopWanted{hello_.mesh, id});", 600),
    Mutation("reports-are-said-once", "What was reported and not acknowledged is not said again in the next session.", AGENT,
             "  sent_sequence_ = queue.AckedSequence(hello.mesh);",
             "  sent_sequence_ = queue.AckedSequence(hello.mesh) + queue.ReportsAfter(hello.mesh, 0, SIZE_MAX / 4).size();", 40),
    Mutation("heartbeats-stop", "An agent sends one heartbeat a session.", AGENT,
             "next_heartbeat_ = now.mono + kHeartbeatInterval;", "next_heartbeat_ = now.mono + 1000 * kHeartbeatInterval;", 20),
    Mutation("silence-is-not-noticed", "The coordinator waits for ever for an agent that says nothing.", COORDINATOR,
             "  return heard_ + kUnreachableAfter;", "  return heard_ + 10000 * kUnreachableAfter;", 60),
    Mutation("agent-waits-for-ever", "An agent waits for ever for a coordinator that says nothing.", AGENT,
             "  return now.mono >= heard_ + kUnreachableAfter;", "  return now.mono >= heard_ + 10000 * kUnreachableAfter;", 60),
    Mutation("stop-overtakes-its-lease", "A stop may leave before the lease that it stops.", COORDINATOR,
             "!stops_.empty() && stops_.front().first <= leases_sent_ && message", "!stops_.empty() && message", 600),
    Mutation("message-of-any-size", "The coordinator sends all leases that wait in one message.", COORDINATOR,
             "message.leases = TakeUpTo(leases_, batch_);", "message.leases = TakeUpTo(leases_, SIZE_MAX);", 40),
    Mutation("reports-of-any-size", "An agent sends all reports that wait in one message.", AGENT,
             "auto reports = queue.ReportsAfter(hello_.mesh, sent_sequence_, batch_);",
             "auto reports = queue.ReportsAfter(hello_.mesh, sent_sequence_, kMaxBatch);", 40),
    Mutation("agent-writes-at-once", "An agent sends before what it has sent last has left.", "agent/engine.cc",
             "    stream.writable = false;", "    stream.writable = true;", 5),
    Mutation("coordinator-writes-at-once", "A coordinator sends before what it has sent last has left.",
             "coordinator/engine.cc", "    link.writable = false;", "    link.writable = true;", 5),
    # It is looked at twice: a coordinator that is told of a newer epoch leases nothing, and the agent would not obey it.
    Mutation("old-epoch-is-obeyed", "An agent does not know which epoch it has seen.", "lib/core/queue_meshes.cc",
             "  return {found->second.epoch, found->second.commit};", "  return {0, found->second.commit};", 600),
]
