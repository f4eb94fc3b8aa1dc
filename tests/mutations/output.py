"""Output on its way to the coordinator: agent/launcher/log_sink.cc, lib/io/seglog, agent/output_left.cc,
agent/log_follower.cc, coordinator/log_intake.cc, coordinator/log_store.cc."""

from mutation import Mutation

SINK = "agent/launcher/log_sink.cc"
READER = "lib/io/seglog/reader.cc"
LEFT = "agent/output_left.cc"
QUEUE = "lib/core/queue.cc"
RESTORE = "lib/core/queue_restore.cc"
FOLLOWER = "agent/log_follower.cc"
INTAKE = "coordinator/log_intake.cc"
STORE = "coordinator/log_store.cc"
RECOVERY = "coordinator/recovery.cc"

MUTATIONS = [
    Mutation("rest-of-a-batch-is-left-out", "What stands behind somebody else's output in the log is not sent.", FOLLOWER,
             "    if (!attempt) continue;\n", "    if (!attempt) break;\n", 100),
    Mutation("acknowledged-though-not-written", "Output is acknowledged that the disk did not take.", INTAKE,
             "    return written;\n  }\n  told_at_.reset();", "  }\n  told_at_.reset();", 60),
    Mutation("output-is-not-synced", "Output is acknowledged before it is on disk.", STORE,
             "  if (file.file->SyncData() == 0) {", "  if (file.size > 0) {", 300),
    Mutation("output-that-could-not-be-synced-is-known", "What a sync has failed on counts as there.", STORE,
             "  if (Status written = WriteAnew(*file); !written) {", "  file->inherited = false;\n  if (Status written{}; !written) {", 3000),
    Mutation("output-has-no-name", "A run's file is synced, and its name is not.", STORE,
             "  if (file.size == 0) names_synced_ = false;  // it may be new\n", "", 600),
    Mutation("output-comes-twice", "A coordinator that was restarted does not know what it has.", STORE,
             "      written.next_offset = std::max(written.next_offset, end);\n",
             "      written.next_offset = std::max(written.next_offset, std::min<int64_t>(end, 0));\n", 60),
    Mutation("output-of-another-try", "What is done again after a recovery has the number of an attempt of which there is output.", RECOVERY,
             "  if (const auto attempts = output.find(run.header.id); attempts != output.end()) PassOver(attempts->second, tasks);\n",
             "  if (const auto attempts = output.find(run.header.id); attempts != output.end()) PassOver({}, tasks);\n", 3000),
    Mutation("held-back-output-is-dropped", "What the host's disk does not take is forgotten.", SINK,
             "    blocked_reason_ = appended.error().message;\n    return false;",
             "    blocked_reason_ = appended.error().message;\n    batch_.clear();\n    return false;", 60),
    Mutation("log-goes-on-where-it-ends", "After a crash of the host its log goes on where coordinators may have read already.", LEFT,
             "  CROMT_TRY(writer.GoBehind(HighestPosition(records)));\n", "  (void)HighestPosition(records);\n", 600),
    Mutation("damaged-segment-ends-the-log", "What lies behind a segment whose end a crash has torn is not sent.", FOLLOWER,
             "    if (frames.error().code == ErrorCode::kCorrupt) {\n", "    if (frames.error().code == ErrorCode::kInternal) {\n", 300),
    Mutation("damage-costs-its-segment", "All is left out that stands behind a frame with a flipped bit.", READER,
             "DecodeFrame(rest)) return *frame ? damaged : 0;\n", "DecodeFrame(rest)) return 0;\n", 600),
    Mutation("stored-output-is-still-wanted", "Output of attempts that are lost is not found once the beginning of it was removed.", LEFT,
             "  if (!reader && reader.error().code == ErrorCode::kNotFound) reader", "  if (false) reader", 600),
    Mutation("log-is-trimmed-too-far", "Output of attempts that have ended is removed before it is stored.", RESTORE,
             "    if (a.phase == QueuedAttempt::Phase::kEnded && a.result.log_bytes == 0) continue;\n",
             "    if (a.phase == QueuedAttempt::Phase::kEnded) continue;\n", 100),
    Mutation("acknowledged-end-is-not-said-again", "Who offers an attempt anew whose end it has forgotten never hears of it.", QUEUE,
             "    if (known->end_acked) SayEndAgain(*known);\n", "    (void)known;\n", 3000),
]
