"""Blobs on their way: who waits for them (agent/blob_waits.cc), from holders (lib/core/blob_fetches.cc), and by the coordinator (coordinator/blob_pushes.cc)."""

from mutation import Mutation

WAITS = "agent/blob_waits.cc"
FETCHES = "lib/core/blob_fetches.cc"
PUSHES = "coordinator/blob_pushes.cc"

MUTATIONS = [
    Mutation("first-need-is-enough", "An attempt is staged when the first thing that it needs is here.", WAITS,
             "  if (job.seen < count) return false;\n", "  if (job.seen == 0) return false;\n  job.seen = count;\n  return true;\n", 20),
    Mutation("not-fetched-is-not-wanted", "What its holder does not give is not asked of the coordinator.", WAITS,
             "  edges_.Want(mesh, digest);\n", "  (void)mesh;\n", 60),
    Mutation("refused-is-waited-for", "Who waits for what nobody can bring is not told.", WAITS,
             "    edges_.GaveUp(job->ticket, all);\n    job = Leave(job);", "    ++job;", 60),
    Mutation("stop-in-wait-is-not-told", "What is to be stopped while it waits for blobs stays in the queue.", WAITS,
             "  edges_.GaveUp(ticket, \"stopped before it began\");\n", "", 300),
    Mutation("holder-stays-busy", "A holder that has given a blob counts as busy with it for ever.", FETCHES,
             "  if (const auto busy = of_holder_.find(done.mapped()); --busy->second == 0) of_holder_.erase(busy);\n", "", 300),
    Mutation("fetched-once-for-ever", "What has been fetched, or could not be, is never fetched again.", FETCHES,
             "  known_.erase(digest.sha256);\n", "", 60),
    Mutation("push-is-given-up-at-once", "A push that breaks once is not tried again.", PUSHES,
             "< PatienceWith(status.error());", "< std::min(PatienceWith(status.error()), Duration(0));", 60),
    Mutation("asked-again-is-not-heard", "What was brought once is never brought to that agent again.", PUSHES,
             "  asked_.erase(KeyOf(order));\n", "", 20),
    Mutation("closed-link-keeps-its-orders", "What an agent wanted is kept for a session that is over.", PUSHES,
             "    if (order.link == link)\n      Leave(order);\n    else\n      line.push_back(std::move(order));", "    line.push_back(std::move(order));", 200),
    Mutation("passed-on-and-kept", "What was brought only to be passed on stays.", PUSHES,
             "  relays_.erase(relay);\n", "", 60),
    Mutation("undeliverable-is-not-told", "An agent is not told of what nobody can bring to it.", PUSHES,
             "  if (!status && edges_.IsOpen(order.link)) edges_.Undeliverable(order, status.error());\n", "  (void)status;\n", 60),
]
