// A small agent for tests: starts the real cromt-launcher in a directory of its own, starts attempts, and waits
// by condition for what the launcher tells. Ends the launcher with itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/launcher/protocol.h"
#include "agent/launcher_client.h"
#include "io/seglog/frame.h"

namespace cromt::launcher {

// How long any wait of a test may take before it counts as a failure.
inline constexpr seconds kCap{30};

// What lies in the log of one attempt, in order.
struct LogLine {
  seglog::Stream stream;
  std::string text;
  uint64_t offset;
  friend bool operator==(const LogLine&, const LogLine&) = default;
};

class TestAgent {
 public:
  explicit TestAgent(LauncherOptions options = {});
  ~TestAgent();
  TestAgent(const TestAgent&) = delete;

  // A Start that runs /bin/sh -c `script` in the data directory, with PATH as its environment.
  Start Shell(const std::string& script);
  Start Program(std::vector<std::string> argv);
  // Sends it and returns its log_id.
  uint64_t Run(Start start);
  void Send(ToLauncher message);

  // Writes what was sent, without reading; false when the launcher takes no more for a while.
  bool PushAll();

  void Connect();
  void Disconnect() { client_.reset(); }
  // Starts a launcher for the same directory again.
  void Launch();
  // kill -9 of the launcher; returns when it is gone.
  void KillLauncher();

  Ended WaitEnded(uint64_t log_id);
  Started WaitStarted(uint64_t log_id);
  // Reads messages until `done` holds; a test failure when that takes longer than kCap.
  void WaitFor(const std::string& what, const std::function<bool()>& done);
  // Waits until the attempt has printed `text`.
  void WaitPrinted(uint64_t log_id, const std::string& text);
  // Reads messages until the launcher hangs up.
  void WaitHungUp();
  // The same, and until its process is gone.
  void WaitLauncherGone();

  // All frames of the attempt, adjacent ones of one stream joined.
  std::vector<LogLine> Log(uint64_t log_id) const;
  // The text of one stream of it.
  std::string Text(uint64_t log_id, seglog::Stream stream) const;

  const std::string& dir() const { return dir_; }
  const Hello& hello() const { return hello_; }
  // What this connection was told.
  std::vector<Known> known;
  std::map<uint64_t, Started> started;
  std::map<uint64_t, std::vector<Ended>> ended;
  LogPosition log_end = 0;
  std::vector<std::string> troubles;

 private:
  void Take(const FromLauncher& message);
  bool ReceiveOnce();  // false: hung up

  LauncherOptions options_;
  std::string dir_;
  std::optional<LauncherClient> client_;
  Hello hello_;
  bool ready_ = false;
  uint64_t next_log_id_ = 1;
  std::set<uint64_t> unforgotten_;  // sent as Start and not as Forget
};

// True while the process lives (a zombie does not).
bool Lives(pid_t pid);
// The number that `text` is, -1 for anything else.
pid_t PidOf(const std::string& text);

}  // namespace cromt::launcher
