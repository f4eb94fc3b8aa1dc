"""What an agent takes up from its journal: lib/core/queue_restore.cc and queue.cc."""

from mutation import Mutation

RESTORE = "lib/core/queue_restore.cc"
QUEUE = "lib/core/queue.cc"
ENGINE = "agent/engine.cc"

MUTATIONS = [
    Mutation("launch-is-not-replayed", "After a restart nobody knows by which launcher an attempt was to be begun.", RESTORE,
             "      attempt->incarnation = r.incarnation;\n", "", 600),
    Mutation("slot-is-not-replayed", "After a restart the slot of what runs is free.", RESTORE,
             "      s.free_slots.erase(r.slot);\n", "", 10),
    Mutation("ack-is-not-replayed", "After a restart reports are said again under numbers that were acknowledged.", RESTORE,
             "      mesh.acked = std::max(mesh.acked, r.sequence);\n", "", 10),
    Mutation("end-is-not-replayed-as-acknowledged", "What had ended and was acknowledged before a restart is kept for ever.", RESTORE,
             "if (QueuedAttempt* attempt = s.FindById(r.mesh, mesh.unacked.front().id)) attempt->end_acked = true;",
             "if (QueuedAttempt* attempt = s.FindById(r.mesh, mesh.unacked.front().id)) attempt->end_acked = false;", 100),
    Mutation("start-is-not-replayed", "The report that an attempt has begun is lost in a restart.", RESTORE,
             "      attempt->log_begin = r.log_begin;\n      s.AddReport(*attempt, r.sequence);",
             "      attempt->log_begin = r.log_begin;", 10),
    Mutation("taken-back-keeps-its-slot", "An order that was taken back has its slot still, as the journal is replayed.", RESTORE,
             "  if (attempt.phase != QueuedAttempt::Phase::kLaunching) return;\n", "  if (attempt.phase != QueuedAttempt::Phase::kRunning) return;\n", 600),
    Mutation("numbers-go-on", "A new journal counts its reports on from where the old one was.", RESTORE,
             "  mesh.acked = 0;\n", "", 60),
    Mutation("epoch-is-not-replayed", "After a restart an agent has seen no epoch.", RESTORE,
             "      mesh.epoch = r.epoch;\n", "", 1000),
    Mutation("boot-is-not-noticed", "After a crash of its host an agent goes on as if there had been none.", QUEUE,
             "  bool same_boot = state_->boot == boot_now;", "  bool same_boot = state_->boot == boot_now || !records.empty();", 600),
    Mutation("crash-gives-back", "What was in line when its host crashed, or may have begun, is given back to be leased again.", QUEUE,
             "EndLost(attempt, {.kind = AttemptResult::Kind::kLost, .reason = \"lost: the host was restarted\"}, outputs);",
             "EndLost(attempt, {.kind = AttemptResult::Kind::kNotStarted, .reason = \"lost: the host was restarted\", .returned = true}, outputs);", 200),
    Mutation("doubt-ends-the-agent", "An agent whose journal can be neither synced nor written anew ends.", ENGINE,
             "!rewritten) Doubt(rewritten.error());\n  return {};", "!rewritten) return rewritten;\n  return {};", 700),
    Mutation("launch-waits-for-the-disk", "What was to be launched when the journal came in doubt begins whenever that is over.", ENGINE,
             "      Take(queue_.Apply(queue_event::LaunchHeld{launch->ticket}, now_));", "      held.push_back((void(launch), effect));", 3000),
    Mutation("job-is-not-synced", "A plain job is acknowledged before it is on disk.", ENGINE,
             "  if (replies_.empty()) return {};\n", "  if (replies_.size() < 1000) return {};\n", 600),
    Mutation("job-request-is-not-replayed", "After a restart an agent does not know which requests made its plain jobs.", RESTORE,
             "      if (!r.request.empty()) s.by_request.emplace(r.request, r.ticket);\n", "", 100),
    Mutation("job-is-forgotten-at-its-end", "A plain job that has ended is not kept.", "lib/core/queue_jobs.cc",
             "  while (kept_jobs.size() > limits.kept_jobs) {", "  while (!kept_jobs.empty()) {", 20),
]
