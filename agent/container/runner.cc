#include "agent/container/runner.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <optional>
#include <thread>

#include "agent/container/order.h"
#include "agent/container/relay.h"
#include "agent/container/visit.h"
#include "base/thread_annotations.h"
#include "io/config/read_file.h"
#include "io/container/engine.h"
#include "io/process/data_dir.h"
#include "io/process/give_tree.h"

namespace cromt::container {
namespace {

constexpr Duration kEngineRetry = seconds(1);
constexpr Duration kEnginePatience = seconds(30);  // with one that goes away while it begins a container
constexpr std::string_view kNever = "0001-";       // the year in which what has not begun yet began, as engines say
constexpr size_t kMostOrder = 32 << 20;            // more than a task's spec and the agent's variables take

void Say(const std::string& text) {
  WriteAll(STDERR_FILENO, "cromt: " + text + "\n");
}

// Talks to the engine, on a thread of its own: each call may take its time.
class Driver {
 public:
  Driver(Order order, std::string box) : order_(std::move(order)), box_(std::move(box)) {}

  // The job's exit code, or kNoContainer with the reason said.
  int Run() {
    auto engine = ContainerEngine::At(order_.engine);
    if (!engine) return NoContainer(engine.error());
    engine_ = &*engine;
    if (auto there = engine_->Ping(); !there)
      return NoContainer({there.error().code,
                          fmt::format("no container engine answers: {}; `engine` of the agent's configuration says "
                                      "where there is one",
                                      there.error().message)});
    auto existing = Existing();
    if (!existing) return NoContainer(existing.error());
    if (*existing) return RunIn(std::move(**existing));
    if (auto ready = Prepare(); !ready) return NoContainer(ready.error());
    if (auto started = Start(); !started) return NoContainer(started.error());
    started_ = true;
    if (stopping_) SignalFrom("TERM");  // came in between
    const int code = WaitForEnd();
    Clear();
    return code;
  }

  // Main thread, both.
  void Stop() {
    stopping_ = true;
    changed_.notify_all();
    if (started_) SignalFrom("TERM");
    if (visiting_) visit_->Signal(SIGTERM);
  }
  void Kill() {
    if (started_) SignalFrom("KILL");
    if (visiting_) visit_->Signal(SIGKILL);
  }

 private:
  Status Prepare() {
    CROMT_ASSIGN(EngineImage image, ImageHere());
    outcome_.image_id = image.id;
    outcome_.digest = image.digest;
    (void)WriteFileAtomic(ResultPath(box_), ToJson(outcome_));  // known also of one that is killed
    order_.container.image = image.id;
    CROMT_TRY(NotStopped());
    CROMT_TRY(GiveWorkspace());
    CROMT_TRY(engine_->Remove(order_.container.name));  // what a crash left
    CROMT_TRY(engine_->Create(order_.container));
    CROMT_TRY(HasWhatItNeeds());
    return NotStopped();
  }

  // The container to run in, if it runs already. Only its name counts, not the beginning of an id.
  Result<std::optional<ContainerState>> Existing() {
    if (!order_.entry) return std::optional<ContainerState>();
    auto state = engine_->Inspect(order_.entry->name);
    if (!state && state.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(state.error());
    if (!state || !state->running || state->name != order_.entry->name) return std::optional<ContainerState>();
    return std::optional(std::move(*state));
  }

  int RunIn(ContainerState state) {
    if (const auto image = engine_->InspectImage(state.image)) {
      outcome_.image_id = image->id;
      outcome_.digest = image->digest;
    }
    visit_.emplace(*engine_, *order_.entry, order_.records, box_, std::move(state), stopping_, Say);
    Status ready = visit_->Prepare();
    visiting_ = true;
    auto code = ready ? visit_->Run() : Result<int>(tl::unexpected<Error>(ready.error()));
    if (code && !stopping_)
      if (auto back = visit_->BringBack(); !back) {
        if (*code == 0)
          code = tl::unexpected<Error>(back.error());
        else
          Say(back.error().message);
      }
    if (!code) return NoContainer(code.error());
    Clear();
    return *code;
  }

  // Nothing of the job runs yet, so what is a link now stays one. A name that only the image knows gets nothing: who it
  // is nobody here can say.
  Status GiveWorkspace() const {
    if (order_.give.empty()) return {};
    uint32_t user = 0;
    const std::string& text = order_.container.user;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), user);
    uint32_t group = user;
    if (bad != std::errc()) return {};
    if (*end == ':' && std::from_chars(end + 1, text.data() + text.size(), group).ec != std::errc()) return {};
    for (const std::string& path : order_.give) CROMT_TRY(GiveTree(path, user, group));
    return {};
  }

  Status HasWhatItNeeds() {
    if (order_.needs.empty()) return {};
    CROMT_ASSIGN(const bool has, engine_->HasPath(order_.container.name, order_.needs));
    if (has) return {};
    return Fail(ErrorCode::kNotFound,
                fmt::format("the image {} has no {}, which this job needs", order_.image, order_.needs));
  }

  Status NotStopped() const {
    return stopping_ ? Status(Fail(ErrorCode::kCanceled, "stopped before the container began")) : Status();
  }

  Result<EngineImage> ImageHere() {
    if (order_.pull != Pull::kAlways) {
      auto here = engine_->InspectImage(order_.image);
      if (here || here.error().code != ErrorCode::kNotFound) return here;
      if (order_.pull == Pull::kNever)
        return Fail(ErrorCode::kNotFound,
                    fmt::format("the image {} is not on this host, and 'pull: never' keeps it from being fetched",
                                order_.image));
    }
    Say(fmt::format("fetching the image {}", order_.image));
    auto pulled = engine_->PullImage(
        order_.image, order_.login,
        [&](const std::string& progress) { Say(fmt::format("fetching the image {}: {}", order_.image, progress)); },
        [&] { return !stopping_; });
    CROMT_TRY(NotStopped());
    if (!pulled)
      return Fail(fmt::format("the image {} is not on this host and can't be fetched", order_.image), pulled.error());
    return engine_->InspectImage(order_.image);
  }

  // The answer of an engine that is restarted just then is lost: whether the container has begun is asked of the next
  // one, since a job is begun once.
  Status Start() {
    Status started = engine_->Start(order_.container.name);
    const Mono until = SystemClock().Read().mono + kEnginePatience;
    while (!started && started.error().code == ErrorCode::kUnavailable && !stopping_ &&
           SystemClock().Read().mono < until) {
      const auto state = engine_->Inspect(order_.container.name);
      if (state && (state->running || !state->started_at.starts_with(kNever))) return {};
      if (state) {
        started = engine_->Start(order_.container.name);
      } else {
        MutexLock lock(mutex_);
        (void)changed_.wait_for(mutex_, kEngineRetry);
      }
    }
    return started;
  }

  // An engine that is restarted may leave the container running; then it is waited for again. What it says while it
  // ends or begins may be any error: only that there is no such container is taken for an end.
  int WaitForEnd() {
    bool told = false;
    for (;;) {
      const auto code = engine_->Wait(order_.container.name);
      const auto state = engine_->Inspect(order_.container.name);
      if (state && (code || !state->running)) {
        outcome_.oom_killed = state->oom_killed;
        return code ? *code : state->exit_code;
      }
      if (code) return *code;
      if (code.error().code == ErrorCode::kNotFound) return NoContainer(code.error());
      if (!std::exchange(told, true)) Say(code.error().message + "; the container is waited for all the same");
      MutexLock lock(mutex_);
      (void)changed_.wait_for(mutex_, kEngineRetry);  // or until it is to stop
    }
  }

  // By whichever thread: a connection of its own, so that it does not wait for the other's call.
  void SignalFrom(const std::string& signal) {
    auto engine = ContainerEngine::At(order_.engine);
    if (engine) (void)engine->Signal(order_.container.name, signal);
  }

  // What it was is written before it is removed, and what can't be removed is left to the agent, who empties the slot.
  void Clear() {
    (void)WriteFileAtomic(ResultPath(box_), ToJson(outcome_));
    if (!engine_) return;
    const Status removed = visit_ ? visit_->Leave() : engine_->Remove(order_.container.name);
    if (!removed) return;
    outcome_.removed = true;
    (void)WriteFileAtomic(ResultPath(box_), ToJson(outcome_));
  }

  int NoContainer(const Error& error) {
    Say(error.message);
    outcome_.error = error.message;
    Clear();
    return kNoContainer;
  }

  Order order_;
  const std::string box_;
  ContainerEngine* engine_ = nullptr;
  Outcome outcome_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> started_ = false;
  std::optional<Visit> visit_;
  std::atomic<bool> visiting_ = false;  // from when on `visit_` may be told to stop
  Mutex mutex_;
  std::condition_variable_any changed_;
};

// Until the driver has ended: output on, signals in, and KILL once the grace is over.
void Attend(Driver& driver, Relay& relay, int signals, int ended, Duration grace) {
  bool stopping = false;
  std::optional<Mono> kill_at;
  for (;;) {
    std::vector<pollfd> fds = {{signals, POLLIN, 0}, {ended, POLLIN, 0}};
    relay.AddTo(fds);
    int timeout_ms = -1;
    if (kill_at) {
      const Duration left = std::max(Duration(0), *kill_at - SystemClock().Read().mono);
      timeout_ms = static_cast<int>(std::chrono::duration_cast<milliseconds>(left).count()) + 1;
    }
    ::poll(fds.data(), fds.size(), timeout_ms);
    relay.Forward();
    if (signalfd_siginfo got; (fds[0].revents & POLLIN) && ::read(signals, &got, sizeof got) == sizeof got) {
      if (!std::exchange(stopping, true)) {
        kill_at = SystemClock().Read().mono + grace;
        driver.Stop();
      }
    }
    if (kill_at && SystemClock().Read().mono >= *kill_at) {
      kill_at.reset();
      driver.Kill();
    }
    if (fds[1].revents & POLLIN) return;
  }
}

}  // namespace

int Run(const std::string& box) {
  auto text = ReadFile(OrderPath(box), kMostOrder);
  ::unlink(OrderPath(box).c_str());
  auto order = text ? OrderFromJson(*text) : Result<Order>(tl::unexpected<Error>(text.error()));
  auto relay = order ? Relay::Make(IoPath(box), order->records) : Result<Relay>(tl::unexpected<Error>(order.error()));
  if (!relay) {
    Say(relay.error().message);
    return kNoContainer;
  }
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t stops;
  sigemptyset(&stops);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&stops, signal);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  const UniqueFd signals(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK));
  const UniqueFd ended(::eventfd(0, EFD_CLOEXEC));
  if (!signals || !ended) {
    Say(ErrnoError("can't watch for signals", errno).message);
    return kNoContainer;
  }
  const Duration grace = order->grace;
  Driver driver(std::move(*order), box);
  int code = kNoContainer;
  std::thread thread([&] {
    code = driver.Run();
    ::eventfd_write(ended.get(), 1);
  });
  Attend(driver, *relay, signals.get(), ended.get(), grace);
  thread.join();
  relay->Drain();
  return code;
}

int Remove(const std::string& address, const std::string& name, const std::string& box) {
  auto engine = ContainerEngine::At(address);
  Status removed = engine ? Status() : Status(tl::unexpected<Error>(engine.error()));
  const auto text = ReadFile(VisitPath(box), kMostOrder);
  const auto visit = text ? VisitNoteFromJson(*text) : Result<VisitNote>(tl::unexpected<Error>(text.error()));
  if (removed && visit) removed = Visit::CleanUp(*engine, *visit, true);
  if (removed) removed = engine->Remove(name);
  if (removed) return 0;
  Say(removed.error().message);
  return 1;
}

}  // namespace cromt::container
