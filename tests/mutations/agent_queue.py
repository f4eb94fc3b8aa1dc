"""An agent's queue: lib/core/queue.cc, and its engine: agent/engine.cc."""

from mutation import Mutation

QUEUE = "lib/core/queue.cc"
ENGINE = "agent/engine.cc"

MUTATIONS = [
    Mutation("expired-lease-begins", "What is in line begins though its lease has run out.", QUEUE,
             "  if (now.mono < mesh.lease_until) return;\n", "  if (now.mono < mesh.lease_until + std::chrono::hours(1)) return;\n", 600),
    Mutation("launch-without-a-record", "An attempt is launched, and the journal does not say so.", QUEUE,
             "  out.records.push_back(journal::Launching{attempt.ticket, *attempt.slot, *launcher});\n", "", 5),
    Mutation("other-launcher-is-the-same", "What was to be launched by a launcher that died is launched again, though it may have begun.", QUEUE,
             "(attempt.phase == Phase::kLaunching && attempt.incarnation != incarnation)", "(attempt.phase == Phase::kLaunching && attempt.incarnation.empty() && attempt.incarnation != incarnation)", 600),
    Mutation("running-is-unheard", "What runs is lost when the agent finds its launcher again.", QUEUE,
             "    if (auto item = known.find(ticket); item != known.end()) {", "    if (auto item = known.find(ticket); item != known.end() && !item->second) {", 20),
    Mutation("slot-is-lost", "A slot that was left dirty is never free again.", QUEUE,
             "  out.effects.push_back(queue_effect::CleanSlot{slot});\n", "", 60),
    Mutation("stop-stays-here", "An agent is told to stop a process, and does not tell its launcher.", QUEUE,
             "    out.effects.push_back(queue_effect::StopProcess{attempt->ticket});\n    return;", "    return;", 100),
    Mutation("stop-in-line-is-forgotten", "What is to be stopped while its files are prepared begins all the same.", QUEUE,
             "  if (attempt.stop_wanted) {\n    ReleaseSlot(attempt, false);", "  if (attempt.stop_wanted && attempt.started_at) {\n    ReleaseSlot(attempt, false);", 600),
    Mutation("lowest-priority-begins", "Of those in line the one with the lowest priority begins.", QUEUE,
             "  return {attempt.spec->priority, attempt.ticket};", "  return {-attempt.spec->priority, attempt.ticket};", 60),
    Mutation("forgotten-before-it-is-stored", "An attempt is forgotten while its output is not stored.", QUEUE,
             "attempt.log_end > meshes[attempt.mesh].logs_stored) return;", "attempt.log_end > meshes[attempt.mesh].logs_stored + 500) return;", 60),
    Mutation("acknowledged-and-kept", "What was acknowledged is never forgotten.", QUEUE,
             "    attempt.end_acked = true;\n    ForgetIfDone(attempt);", "    attempt.end_acked = true;", 20),
    Mutation("begins-without-secrets", "What has lost its secrets in a restart begins without them.", QUEUE,
             "  if (!attempt.secrets && !attempt.spec->secrets.empty())\n    return \"the agent was restarted",
             "  if (attempt.secrets && attempt.spec->secrets.empty())\n    return \"the agent was restarted", 600),
    Mutation("result-changes-on-its-way", "What ended by its timeout is told as an exit.", QUEUE,
             "  if (!result.started_at) result.started_at = attempt.started_at;",
             "  if (result.kind == AttemptResult::Kind::kTimedOut) result.kind = AttemptResult::Kind::kExited;\n  if (!result.started_at) result.started_at = attempt.started_at;", 60),
    Mutation("refused-and-taken", "An agent whose disk is full takes leases.", QUEUE,
             "                    : !refusal.empty() ? ", "                    : refusal.size() == 1 ? ", 600),
    Mutation("published-before-it-is-there", "An attempt with artifacts ends before they are published.", QUEUE,
             "    if (attempt.slot && !attempt.spec->publishes.empty() && Succeeded(", "    if (attempt.slot && attempt.spec->publishes.size() > 1 && Succeeded(", 60),
    Mutation("deed-before-journal", "An agent does what it has decided before that is in its journal.", ENGINE,
             "  CheckTimers();\n  if (auto written", "  CheckTimers();\n  for (const QueueEffect& effect : std::exchange(effects_, {})) Carry(effect);\n  if (auto written", 5),
    Mutation("older-session-wins", "A session that was there keeps a newer one of its mesh out.", ENGINE,
             "if (streams_.at(other).session.order() < mine) continue;", "if (streams_.at(other).session.order() > mine) continue;", 60),
    Mutation("blob-asked-for-once", "A tree that is missing is not asked for again in the next session.", ENGINE,
             "    for (const Digest& digest : wanted_[session.mesh()]) session.WantBlob(digest);\n", "    (void)wanted_[session.mesh()];\n", 200),
    Mutation("refusal-for-ever", "An agent whose disk was full never takes anything again.", ENGINE,
             "  if (!disk_full_.empty() && now.mono >= reserve_due_) KeepReserve();\n", "", 100),
]
