#include "agent/launcher/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/launcher/cgroup_mount.h"
#include "agent/launcher/say.h"
#include "base/random.h"

namespace cromt::launcher {
namespace {

// Messages of the agent in one round: a spawn takes 0.2 ms, and ended children should not wait for many of them.
constexpr int kMessagesPerRound = 16;
constexpr Duration kRetryAfter = milliseconds(250);

Result<UniqueFd> OpenSignals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  sigaddset(&wanted, SIGTERM);
  UniqueFd signals(signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals) return tl::unexpected(ErrnoError("signalfd", errno));
  return signals;
}

// Two pipes a job: as many open files as may be had, while jobs get the limit that the launcher was given.
rlimit RaiseOpenFiles() {
  rlimit given{};
  getrlimit(RLIMIT_NOFILE, &given);
  rlimit raised{given.rlim_max, given.rlim_max};
  setrlimit(RLIMIT_NOFILE, &raised);
  return given;
}

// Tells directories apart, also those of one name in different containers.
std::string DirectoryHash(const std::string& dir) {
  struct stat info {};
  stat(dir.c_str(), &info);
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (char c : fmt::format("{}:{}:{}", dir, info.st_dev, info.st_ino))
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return fmt::format("{:016x}", hash);
}

// For the next agent. Without it, it only knows less.
void LeaveWord(const std::string& path, const std::string& text) {
  UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file && write(file.get(), text.data(), text.size()) < 0) Say("could not write " + path);
}

std::optional<CgroupTree> MakeCgroups(const Options& options) {
  if (options.cgroup == "none") return std::nullopt;
  std::string parent = options.cgroup;
  if (options.is_service && parent.empty()) {
    Result<std::string> left = LeaveOwnCgroup();
    if (!left) Say("jobs may get no limits: " + left.error().message);
    if (left) parent = std::move(*left);
  }
  Result<CgroupTree> tree = CgroupTree::Make(parent, DirectoryHash(options.data_dir));
  std::string why;
  if (tree && CanStartIn(tree->Slot(0)->dir_fd())) return std::move(*tree);
  Say("no cgroups, so jobs are followed by session and environment: " +
      (tree ? "no process can be started in " + tree->path() : tree.error().message));
  return std::nullopt;
}

}  // namespace

sigset_t BlockedSignals() {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ, SIGTSTP,
                     SIGTTIN, SIGTTOU})
    sigaddset(&blocked, signal);
  return blocked;
}

Result<std::unique_ptr<Launcher>> Launcher::Create(Options options) {
  CROMT_ASSIGN(Endpoint endpoint, Endpoint::Open(options.data_dir));
  CROMT_ASSIGN(seglog::Writer writer, seglog::Writer::Open(LogDir(options.data_dir)));
  CROMT_ASSIGN(Poller poller, Poller::Create());
  CROMT_ASSIGN(Timers timers, Timers::Create());
  CROMT_ASSIGN(UniqueFd signals, OpenSignals());
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return tl::unexpected(ErrnoError("PR_SET_CHILD_SUBREAPER", errno));
  return std::unique_ptr<Launcher>(new Launcher(std::move(options), std::move(endpoint), std::move(writer),
                                                std::move(poller), std::move(timers), std::move(signals)));
}

Launcher::Launcher(Options options, Endpoint endpoint, seglog::Writer writer, Poller poller, Timers timers,
                   UniqueFd signals)
    : options_(std::move(options)),
      incarnation_([] {
        SystemRandom random;
        return RandomName(random);
      }()),
      job_open_files_(RaiseOpenFiles()),
      now_(clock_.Read()),
      poller_(std::move(poller)),
      timers_(std::move(timers)),
      signals_(std::move(signals)),
      sink_(std::move(writer)),
      link_(std::move(endpoint), poller_, {&listener_watch_, &newcomer_watch_, &agent_watch_}),
      cgroups_(MakeCgroups(options_)) {
  if (options_.cgroup != "none") limits_.emplace(DirectoryHash(options_.data_dir), LimitTree::OwnPlaces());
  poller_.Add(signals_.get(), EPOLLIN, &signal_watch_);
  poller_.Add(timers_.fd(), EPOLLIN, &timer_watch_);
  agent_was_connected_ = true;  // so that the first look arms the orphan timeout
}

void Launcher::Run() {
  while (!Over()) {
    AgentCameOrWent();
    WaitAndRead();
    TakeSignals();
    FireTimers();
    FinishOutputs();
    WriteLog();
    TellEnds();
    link_.Flush();  // before spawning, which takes longer than all else here
    ServeAgent();
    link_.Flush();
  }
}

bool Launcher::Over() const {
  if (exit_now_) return true;
  if (abandoned_) {
    // Nobody waits for what a full disk still holds back.
    auto gone = [](const Attempt* attempt) { return attempt->gone(); };
    return by_pid_.empty() && (sink_.blocked() || ending_.empty()) && std::all_of(ending_.begin(), ending_.end(), gone);
  }
  return shutdown_ && roster_.idle() && link_.unsent_bytes() == 0;
}

// Output first: an attempt in these events lives until the round's end, and what a process wrote before it ended
// is mostly read in the same round.
void Launcher::WaitAndRead() {
  std::span<const Poller::Ready> ready = poller_.Wait(!link_.has_backlog() && !std::exchange(again_, false));
  now_ = clock_.Read();
  for (const Poller::Ready& event : ready) {
    Watch& watch = *static_cast<Watch*>(event.who);
    switch (watch.kind) {
      case Watch::Kind::kOutput: ReadOutput(watch); break;
      case Watch::Kind::kSignal: signal_pending_ = true; break;
      case Watch::Kind::kTimer: timer_pending_ = true; break;
      case Watch::Kind::kListener: link_.OnListener(); break;
      case Watch::Kind::kNewcomer: link_.OnNewcomer(); break;
      case Watch::Kind::kAgent: link_.OnAgent(event.events); break;
    }
  }
}

void Launcher::ReadOutput(Watch& watch) {
  if (sink_.blocked() || !watch.added) return;
  Output& output = watch.attempt->output();
  if (output.Read(watch.source)) return;
  poller_.Remove(output.fd(watch.source));
  watch.added = false;
  output.Close(watch.source);
}

void Launcher::TakeSignals() {
  if (!std::exchange(signal_pending_, false)) return;
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGTERM) continue;
    if (roster_.idle()) {
      exit_now_ = true;
    } else if (options_.is_service && !abandoned_) {
      options_.manager.Stopping("stops its jobs");
      Say(fmt::format("told to stop: stopping {} attempts and leaving", attempts_.size()));
      Abandon("it was told to stop, so it had stopped its jobs and left");
    } else {
      Say(fmt::format("SIGTERM is ignored: {} attempts run, {} results wait for the agent", attempts_.size(),
                      roster_.results()));
    }
  }
  while (true) {
    siginfo_t child{};
    if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG) != 0 || child.si_pid == 0) return;
    ChildEnded(child);
  }
}

void Launcher::ChildEnded(const siginfo_t& info) {
  auto found = by_pid_.find(info.si_pid);
  if (found == by_pid_.end()) {
    // An orphan of some job: maybe the last that an ended attempt waits for.
    for (Attempt* attempt : ending_) {
      attempt->CheckRemains();
      Reschedule(*attempt);
    }
    return;
  }
  Attempt* attempt = found->second;
  by_pid_.erase(found);
  ending_.push_back(attempt);
  attempt->MainEnded(info.si_code, info.si_status, now_);
  Reschedule(*attempt);
}

void Launcher::Reschedule(const Attempt& attempt) {
  Timers::Key key{Timers::Kind::kAttempt, attempt.log_id()};
  if (attempt.deadline() != Mono::max() || timers_.IsSet(key)) timers_.Set(key, attempt.deadline());
}

void Launcher::FireTimers() {
  if (!std::exchange(timer_pending_, false)) return;
  for (const Timers::Key& key : timers_.TakeDue(now_.mono)) {
    switch (key.kind) {
      case Timers::Kind::kAttempt:
        if (auto found = attempts_.find(key.log_id); found != attempts_.end()) {
          found->second.attempt->OnDeadline(now_.mono);
          Reschedule(*found->second.attempt);
        }
        break;
      case Timers::Kind::kRetry: link_.Retry(); break;  // the log is tried each round
      case Timers::Kind::kNoAgent:
        if (link_.connected()) break;  // just come
        Say(fmt::format("no agent for {}: stopping {} attempts and leaving", FormatDuration(options_.orphan_timeout),
                        attempts_.size()));
        Abandon(fmt::format("no agent had come for {}, so it had stopped its jobs and left",
                            FormatDuration(options_.orphan_timeout)));
        break;
    }
  }
}

// Who comes from now on waits until we are gone: it would be told of ends that nobody has asked for.
void Launcher::Abandon(const std::string& why) {
  abandoned_ = true;
  roster_.Leave();
  if (!roster_.idle()) LeaveWord(LeftPath(options_.data_dir), why + "\n");
  link_.Close();
  StopAll();
}

void Launcher::StopAll() {
  for (auto& [log_id, entry] : attempts_) {
    entry.attempt->Stop(Ended::Cause::kStopped, now_.mono);
    Reschedule(*entry.attempt);
  }
}

void Launcher::AgentCameOrWent() {
  if (std::exchange(agent_was_connected_, link_.connected()) == link_.connected()) return;
  if (options_.orphan_timeout.count() == 0) return;
  timers_.Set({Timers::Kind::kNoAgent}, link_.connected() ? Mono::max() : now_.mono + options_.orphan_timeout);
}

// ---- What the agent says -------------------------------------------------------------------------

void Launcher::ServeAgent() {
  for (int i = 0; i < kMessagesPerRound; ++i) {
    std::optional<ToLauncher> message = link_.Next();
    if (!message) return;
    std::visit([this](const auto& m) { On(m); }, *message);
  }
}

void Launcher::On(const Hello&) {
  roster_.Greet({.incarnation = incarnation_, .pid = static_cast<uint32_t>(getpid()), .log_end = sink_.position()},
                [this](const FromLauncher& message) { link_.Send(message); });
  if (sink_.blocked()) TellTrouble();
  log_end_told_ = sink_.position();
}

void Launcher::On(const Start& start) {
  switch (roster_.Judge(start)) {
    case Roster::Verdict::kKnown: return;
    case Roster::Verdict::kLeaving: return Refuse(start, ESHUTDOWN, "", /*keep=*/false);
    case Roster::Verdict::kFull: return Refuse(start, EAGAIN, "", /*keep=*/false);
    case Roster::Verdict::kInvalid: return Refuse(start, EINVAL, "", /*keep=*/true);
    case Roster::Verdict::kBegin: break;
  }
  seglog::Position log_begin = sink_.position();
  SlotCgroup* cgroup = cgroups_ && !busy_slots_.contains(start.slot) ? cgroups_->Slot(start.slot) : nullptr;
  now_ = clock_.Read();
  Result<LimitGroup> limits = MakeLimits(start, cgroup);
  if (!limits) {
    if (cgroup) cgroups_->Renew(start.slot);
    return Refuse(start, ENOTSUP, limits.error().message, /*keep=*/true);
  }
  const std::vector<int> enter = limits->entries();
  const Groups groups{cgroup ? cgroup->dir_fd() : -1, limits->changed_slot(), enter};
  tl::expected<Child, int> child = StartChild(start, groups, job_open_files_);
  if (!child) {
    if (limits->changed_slot()) cgroups_->Renew(start.slot);
    return Refuse(start, child.error(), "", /*keep=*/true);
  }
  Adopt(start, *child, child->in_cgroup ? cgroup : nullptr, std::move(*limits), log_begin);
}

Result<LimitGroup> Launcher::MakeLimits(const Start& start, const SlotCgroup* slot) {
  if (!start.limits.any()) return LimitGroup();
  if (!limits_) return Fail(ErrorCode::kUnavailable, "this host's agent can't limit jobs: it runs with --cgroup none");
  return limits_->Make(start, slot);
}

void Launcher::Refuse(const Start& start, int error, std::string reason, bool keep) {
  const Known known = NotSpawned(start, error, std::move(reason), now_.wall, sink_.position());
  if (keep) roster_.Keep(known);
  link_.Send(*known.ended);
}

void Launcher::Adopt(const Start& start, Child& child, SlotCgroup* cgroup, LimitGroup limits,
                     seglog::Position log_begin) {
  Entry& entry = attempts_[start.log_id];
  entry.attempt = std::make_unique<Attempt>(start, child, cgroup, std::move(limits), by_pid_, sink_, log_begin, now_);
  Attempt& attempt = *entry.attempt;
  for (int source = 0; source < Output::kSources; ++source)
    entry.watches[source] = {.attempt = &attempt, .source = static_cast<Output::Source>(source)};
  if (!sink_.blocked()) Watched(entry, true);
  by_pid_[attempt.pid()] = &attempt;
  if (cgroup) busy_slots_.insert(start.slot);
  Reschedule(attempt);
  roster_.Began(attempt.started());
  link_.Send(attempt.started());
}

void Launcher::Watched(Entry& entry, bool watch) {
  for (Watch& one : entry.watches) {
    int fd = entry.attempt->output().fd(one.source);
    if (fd < 0 || one.added == watch) continue;
    if (watch)
      poller_.Add(fd, EPOLLIN, &one);
    else
      poller_.Remove(fd);
    one.added = watch;
  }
}

void Launcher::On(const Stop& stop) {
  auto found = attempts_.find(stop.log_id);
  if (found == attempts_.end()) return;
  found->second.attempt->Stop(Ended::Cause::kStopped, now_.mono);
  Reschedule(*found->second.attempt);
}

void Launcher::On(const Forget& forget) {
  roster_.Forget(forget.log_id);
}

void Launcher::On(const Shutdown&) {
  shutdown_ = true;
  roster_.Leave();
}

// ---- The end of a round: outputs, log, results -----------------------------------------------------

// While the log can't be written, the last output of an attempt stays in its pipes, and its end waits; what has
// nothing more to say ends as ever.
void Launcher::FinishOutputs() {
  for (Attempt* attempt : ending_) {
    Entry& entry = attempts_.at(attempt->log_id());
    if (!attempt->gone() || entry.finished) continue;
    if (sink_.blocked() && !attempt->output().has_nothing_to_finish()) continue;
    attempt->output().Finish();
    Watched(entry, false);
    for (Watch& watch : entry.watches) attempt->output().Close(watch.source);
    entry.finished = true;
  }
}

void Launcher::WriteLog() {
  bool blocked = !sink_.Flush();
  if (blocked && !log_was_blocked_) LogBlocked();
  if (!blocked && log_was_blocked_) LogRecovered();
  log_was_blocked_ = blocked;
  if (blocked || link_.wants_retry()) timers_.Set({Timers::Kind::kRetry}, now_.mono + kRetryAfter);
  if (sink_.position() != log_end_told_ && link_.connected() && link_.unsent_bytes() < kMaxUnsentBytes) {
    log_end_told_ = sink_.position();
    link_.Send(LogEnd{log_end_told_});
  }
}

void Launcher::LogBlocked() {
  log_blocked_since_ = now_.mono;
  Say("output is held back, and jobs that print will block: " + sink_.blocked_reason());
  TellTrouble();
  for (auto& [log_id, entry] : attempts_) Watched(entry, false);
}

// launcher.log may lie on the same full disk: the agent can tell somebody.
void Launcher::TellTrouble() {
  if (link_.connected())
    link_.Send(Trouble{fmt::format("{}, and those that print wait: {}", kHeldBack, sink_.blocked_reason())});
}

void Launcher::LogRecovered() {
  std::string line = fmt::format("the log could not be written for {}: output was held back, none is lost",
                                 FormatDuration(now_.mono - log_blocked_since_));
  Say(line);
  if (link_.connected()) link_.Send(Trouble{line});
  for (auto& [log_id, entry] : attempts_) {
    if (entry.finished) continue;
    entry.attempt->output().Note(line);
    Watched(entry, true);
  }
  again_ = true;  // to write the notes, and to finish what ended meanwhile
}

void Launcher::TellEnds() {
  std::erase_if(ending_, [this](Attempt* attempt) {
    auto found = attempts_.find(attempt->log_id());
    if (!found->second.finished || !attempt->output().written()) return false;
    Known known{attempt->started(), attempt->ToEnded()};
    link_.Send(*known.ended);
    if (attempt->in_cgroup()) FreeSlot(*attempt);
    roster_.Keep(known);
    attempts_.erase(found);
    return true;
  });
}

void Launcher::FreeSlot(const Attempt& attempt) {
  busy_slots_.erase(attempt.slot());
  if (attempt.has_immortals() || attempt.cgroup_was_killed() || attempt.slot_has_limits())
    cgroups_->Renew(attempt.slot());
}

}  // namespace cromt::launcher
