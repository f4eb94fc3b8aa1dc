"""The coordinator's engine and its recovery: coordinator/engine.cc and recovery.cc."""

from mutation import Mutation

ENGINE = "coordinator/engine.cc"
RECOVERY = "coordinator/recovery.cc"

MUTATIONS = [
    Mutation("repeated-start-is-another", "A start that is repeated after its run has ended makes a second run.", ENGINE,
             "  return store_.FindRequest(request);", "  return RunId();", 60),
    Mutation("answer-before-commit", "A client is answered before the commit, and also where that fails.", ENGINE,
             "Status Engine::CommitAndRelease() {\n", "Status Engine::CommitAndRelease() {\n  for (PendingReply& pending : std::exchange(replies_, {})) pending.reply(std::move(pending.result));\n", 10),
    Mutation("yes-though-it-failed", "Whoever asked is told yes when the commit has failed.", ENGINE,
             "      for (PendingReply& pending : std::exchange(replies_, {})) pending.reply(tl::unexpected<Error>(committed.error()));",
             "      for (PendingReply& pending : std::exchange(replies_, {})) pending.reply(std::move(pending.result));", 300),
    Mutation("sent-before-commit", "Leases and acks leave before the commit that they rest on.", ENGINE,
             "Status Engine::CommitAndRelease() {\n",
             "Status Engine::CommitAndRelease() {\n  for (Effect& effect : std::exchange(effects_, {})) Carry(effect);\n  Flush();\n", 5),
    Mutation("ack-of-a-later-commit", "An agent is told of one commit more than there are.", ENGINE,
             "session->AddAck({a.sequence, e.commit_});", "session->AddAck({a.sequence, e.commit_ + 1});", 5),
    Mutation("store-that-went-back-goes-on", "That an agent has seen a later commit than there is, nobody minds.", ENGINE,
             "if (hello->seen_epoch > epoch_ || hello->seen_commit > may_have_seen)", "if (hello->seen_epoch > epoch_ + 1000)", 600),
    Mutation("own-commits-hide-it", "A store that went back is not noticed once it has made as many commits as it had lost.", ENGINE,
             "? taken_up_ : commit_;", "? commit_ : commit_;", 2000),
    Mutation("kept-is-stopped", "What a recovery keeps is stopped by the next verdict.", ENGINE,
             "        return kept_.contains({up->hello.agent, item.id});", "        return !kept_.contains({up->hello.agent, item.id}) && false;", 1000),
    Mutation("lost-link-is-not-told", "The scheduler is not told that a link is gone.", ENGINE,
             "  Take(scheduler_.Apply(AgentDown{address, reason}, now_));", "  (void)reason;", 20),
    Mutation("clock-is-not-looked-at", "What is due by time never is.", ENGINE,
             "*due <= now_.mono) Take(scheduler_.Apply(ClockTick{}, now_));", "*due < Mono{}) Take(scheduler_.Apply(ClockTick{}, now_));", 20),
    Mutation("postponed-is-lost", "What was found for a run while the disk was full is dropped.", ENGINE,
             "  for (engine_input::Ask& ask : std::exchange(postponed_, {})) On(std::move(ask));", "  postponed_.clear();", 600),
    Mutation("goes-on-unresumed", "When there is room again nobody tells the scheduler that its links are gone.", ENGINE,
             "  Take(scheduler_.Apply(Resumed{\"the coordinator's disk was full\"}, now_));\n", "", 200),
    Mutation("secrets-are-left-out", "A lease leaves without the secrets of its task.", ENGINE,
             "if (!a.lease.spec->secrets.empty()) a.lease.secrets", "if (a.lease.spec->secrets.size() > 1) a.lease.secrets", 20),
    Mutation("verdicts-are-not-sent", "An agent that has nothing gets no verdicts, and so no leases.", ENGINE,
             "if (auto* session = e.LiveSession(a.address)) session->AddVerdicts(std::move(a.verdicts));",
             "if (auto* session = e.LiveSession(a.address); session && !a.verdicts.empty()) session->AddVerdicts(std::move(a.verdicts));", 5),
    Mutation("reports-are-counted-twice", "A recovery forgets which reports had been acknowledged.", RECOVERY,
             "  seen.applied_sequence = std::max(seen.applied_sequence, agent.hello.acked_sequence);\n", "", 600),
    Mutation("adopted-under-its-old-number", "What a recovery finds at an agent keeps the number that the store knew.", RECOVERY,
             "    status_.attempt = found_->item.id.attempt;\n    status_.agent", "    status_.agent", 2000),
    Mutation("recovery-loses-what-runs", "A recovery calls lost what its agent has.", RECOVERY,
             "    if (found_ && Fits()) {", "    if (found_ && Fits() && Known() && status_.attempt > 1) {", 600),
]
