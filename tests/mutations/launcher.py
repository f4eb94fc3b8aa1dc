"""The launcher's protocol: what a launcher knows (agent/launcher/roster.cc), and its agent's half (agent/launcher_talk.cc)."""

from mutation import Mutation

ROSTER = "agent/launcher/roster.cc"
PROTOCOL = "agent/launcher/protocol.cc"
TALK = "agent/launcher_talk.cc"

MUTATIONS = [
    Mutation("results-are-told-once", "An agent that comes again is not told how jobs ended meanwhile.", ROSTER,
             "  for (const auto& [log_id, known] : known_) send(known);", "  for (const auto& [log_id, known] : known_)\n    if (!known.ended) send(known);", 20),
    Mutation("running-is-not-told", "An agent that comes again is not told what runs.", ROSTER,
             "  for (const auto& [log_id, known] : known_) send(known);", "  for (const auto& [log_id, known] : known_)\n    if (known.ended) send(known);", 20),
    Mutation("forgotten-result-stays", "A launcher keeps results for ever.", ROSTER, "  known_.erase(known);\n", "", 5),
    Mutation("half-a-message-is-lost", "A message that has not come as a whole is dropped.", PROTOCOL,
             "  if (in.size() < sizeof length + length) return std::optional<RawFrame>();",
             "  if (in.size() < sizeof length + length) return in = {}, std::optional<RawFrame>();", 20),
    Mutation("orders-for-the-next-launcher", "What was to be started by a launcher that is gone is started by the next, though it is called lost.", TALK,
             "  std::erase_if(orders_, [](const auto& order) { return std::holds_alternative<launcher::Start>(order); });\n", "", 600),
    Mutation("busy-launcher-is-replaced", "A launcher of before an upgrade is replaced while its jobs run.", TALK,
             "  if (is_of_before && known_.empty() && LostWith({}, queue).empty()) {", "  if (is_of_before) {", 60),
    Mutation("timeout-is-an-exit", "The end of a job that ran too long is told as its own.", TALK,
             "ended.cause == Cause::kTimedOut ? AttemptResult::Kind::kTimedOut", "ended.cause == Cause::kTimedOut ? AttemptResult::Kind::kExited", 60),
    Mutation("signal-is-an-exit", "A job that was killed has exited with 0.", TALK,
             "ended.signal != 0 ? ExitStatus(Signaled{ended.signal}) : ExitStatus(Exited{ended.exit_code})", "ExitStatus(Exited{ended.signal != 0 ? 0 : ended.exit_code})", 60),
    Mutation("what-a-dead-launcher-left-runs-on", "Jobs of a launcher that died are called lost while their processes run.", TALK,
             "  host_.Meet(up_, LostWith(up_, queue));\n", "", 600),
    Mutation("output-of-the-lost-is-not-counted", "What a launcher that died had written of its jobs' output is not counted.", TALK,
             "  host_.Meet(up_, LostWith(up_, queue));", "  host_.Meet(up_, {});", 600),
]
