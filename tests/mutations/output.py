"""Output on its way to the coordinator: agent/log_follower.cc, coordinator/log_intake.cc, coordinator/log_store.cc."""

from mutation import Mutation

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
]
