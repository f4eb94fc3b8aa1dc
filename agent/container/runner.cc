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
#include <filesystem>
#include <thread>

#include "agent/container/order.h"
#include "agent/container/relay.h"
#include "base/thread_annotations.h"
#include "io/config/read_file.h"
#include "io/container/engine.h"
#include "io/process/data_dir.h"

namespace cromt::container {
namespace {

constexpr Duration kEngineRetry = seconds(1);
constexpr size_t kMostOrder = 32 << 20;  // more than a task's spec and the agent's variables take

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
    if (auto ready = Prepare(); !ready) return NoContainer(ready.error());
    if (auto started = engine_->Start(order_.container.name); !started) return NoContainer(started.error());
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
  }
  void Kill() {
    if (started_) SignalFrom("KILL");
  }

 private:
  Status Prepare() {
    if (auto there = engine_->Ping(); !there)
      return tl::unexpected<Error>(Error{
          there.error().code, fmt::format("no container engine answers: {}; `engine` of the agent's configuration "
                                          "says where there is one",
                                          there.error().message)});
    CROMT_TRY(NotInAnother());
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

  Status NotInAnother() {
    if (order_.existing.empty()) return {};
    const auto state = engine_->Inspect(order_.existing);
    if (!state || !state->running) return {};
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("a container named {} runs, and running a job in one that runs is not built yet; 'image: {}' "
                    "makes a fresh one",
                    order_.existing, order_.image));
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
    std::error_code error;
    int failed = ::lchown(order_.give.c_str(), user, group) == 0 ? 0 : errno;
    for (auto entry = std::filesystem::recursive_directory_iterator(order_.give, error);
         !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error))
      if (::lchown(entry->path().c_str(), user, group) != 0) failed = errno;
    if (failed == 0 && error) failed = error.value();
    if (failed == 0) return {};
    return tl::unexpected<Error>(ErrnoError(fmt::format("the workspace can't be given to user {}", text), failed));
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
    auto pulled = engine_->PullImage(order_.image, order_.login, [&](const std::string& progress) {
      Say(fmt::format("fetching the image {}: {}", order_.image, progress));
      return !stopping_;
    });
    if (!pulled)
      return Fail(fmt::format("the image {} is not on this host and can't be fetched", order_.image), pulled.error());
    return engine_->InspectImage(order_.image);
  }

  // An engine that is restarted may leave the container running; then it is waited for again.
  int WaitForEnd() {
    bool told = false;
    for (;;) {
      auto code = engine_->Wait(order_.container.name);
      if (code) {
        if (auto state = engine_->Inspect(order_.container.name)) outcome_.oom_killed = state->oom_killed;
        return *code;
      }
      if (code.error().code != ErrorCode::kUnavailable) return NoContainer(code.error());
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
    if (!engine_ || !engine_->Remove(order_.container.name)) return;
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

int Remove(const std::string& address, const std::string& name) {
  auto engine = ContainerEngine::At(address);
  const Status removed = engine ? engine->Remove(name) : Status(tl::unexpected<Error>(engine.error()));
  if (removed) return 0;
  Say(removed.error().message);
  return 1;
}

}  // namespace cromt::container
