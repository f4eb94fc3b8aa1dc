// The launcher's socket protocol, version 1, and what it promises. Spoken over a SOCK_STREAM Unix socket
// `DIR/launcher.sock` (mode 0600) between cromt-launcher, parent of the job processes, and the one agent that
// owns DIR. Only peers of the launcher's own user or root are let in. Each message is a frame: u32 length of the rest,
// u8 type, body in base/bytes.h encoding.
//
//   agent → launcher                          launcher → agent
//   Hello{version}                            Hello{version, incarnation, pid, log_end} then one Known per attempt
//   Start{…}          idempotent by log_id    Started{log_id, …}   once per attempt
//   Stop{log_id}      TERM, grace, KILL       Ended{log_id, …}     once per attempt and connection, until Forget
//   Forget{log_id}    the result is journaled LogEnd{position}     after new output is in the log
//                                             Trouble{text}        the log can't be written, or can again
//   Shutdown{}        exit when nothing is known: no running job, no result not forgotten
//
// Guarantees: messages of one connection are handled in order. The launcher answers nothing before the agent's
// Hello; to an unknown version it answers its own Hello and closes. A Start whose log_id is known changes
// nothing. Results are kept until Forget, over any number of connections. The Hello of a new connection closes
// the older one. An attempt ends when its main process ends; what that left behind and does not end by itself
// within 100 ms (a `tee` that empties its pipe does) is stopped (TERM, 2 s, KILL) and named in the attempt's log
// before Ended is sent. All output read before the end is in the log before Ended is sent: when the log can't be
// written (disk full), output and the ends behind it wait, jobs block on their pipes, and a note says so later.
// Output is never dropped but beyond log_limit_bytes: then it is read, counted, and one note frame says so.
// An upgrade of the agent meets the launcher of before, which jobs may need for days: fields of a level above 1 stand
// at the end of their message, level by level, and are left out where they say nothing, so a launcher of before is only
// not sent what needs them. A Stop or Forget that names an attempt which is unknown, or (Forget) still running, changes
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace cromt::launcher {

inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr uint32_t kMaxFrameBytes = 4 << 20;
// The launcher refuses (ends at once with spawn_errno = EAGAIN) a Start beyond this many known attempts.
inline constexpr uint32_t kMaxAttempts = 65536;

// Position in the host's segmented log (lib/io/seglog): segment << 32 | byte offset.
using LogPosition = uint64_t;

// What lies in the launcher's data directory DIR.
inline std::string SocketPath(const std::string& dir) {
  return dir + "/launcher.sock";
}
inline std::string LockPath(const std::string& dir) {
  return dir + "/launcher.lock";
}  // held while it lives
inline std::string LogDir(const std::string& dir) {
  return dir + "/log";
}  // the segmented log
inline std::string MessagesPath(const std::string& dir) {
  return dir + "/launcher.log";
}  // its own words, detached
inline std::string LeftPath(const std::string& dir) {
  return dir + "/launcher.left";
}  // a line for the next agent, from a launcher that has stopped its jobs since none came

struct Hello {
  uint32_t version = kProtocolVersion;
  std::string incarnation;  // launcher only: new at each launcher start; another one means the old one died
  uint32_t pid = 0;         // launcher only
  LogPosition log_end = 0;  // launcher only
  // Launcher only: 2 = it knows Start::limits, become and sandbox; 3 = it knows Start::secrets. An agent of level 1
  // does not take a launcher of another.
  uint32_t level = 1;
};
inline constexpr uint32_t kLevel = 3;

// What the processes of an attempt may use together, by control groups; 0 = as much as there is.
struct Limits {
  uint64_t memory_bytes = 0;
  uint32_t cpu_permille = 0;  // 1000 = one core
  uint32_t pids = 0;
  bool any() const { return memory_bytes != 0 || cpu_permille != 0 || pids != 0; }
};

struct JobUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  // besides; at most 65536, as the kernel has it
};

enum class Sandbox : uint8_t { kNone = 0, kStrict = 1 };  // what it is: confine.h

struct Start {
  uint64_t log_id = 0;  // the attempt, as the agent's journal numbers it; never used twice
  std::string mark;     // the attempt in words, as CROMT_ATTEMPT_MARK; REQUIRES: no other running attempt has it
  std::vector<std::string> argv;  // without a slash in the first word, that is searched in env's PATH
  std::vector<std::string> env;   // "NAME=value", exactly what the process gets, plus CROMT_ATTEMPT_MARK
  std::string cwd;
  // Picks the cgroup. No other running attempt should have it: the later one then runs without a cgroup.
  uint32_t slot = 0;
  uint64_t timeout_us = 0;      // 0 = none; counted from the spawn, on CLOCK_BOOTTIME
  uint64_t grace_us = 0;        // between TERM and KILL
  int64_t log_limit_bytes = 0;  // 0 = none
  // True: descriptor 3 of the process is a pipe on which it writes records of its own (seglog/frame.h,
  // RecordHeader), which enter the log in the order of writing, besides stdout and stderr.
  bool records = false;
  // Level 2.
  Limits limits;                  // where they can't be set, the attempt is not spawned
  std::optional<JobUser> become;  // none: the launcher's own user. REQUIRES: the launcher may
  Sandbox sandbox = Sandbox::kNone;
  std::vector<std::string> writable;  // absolute paths of directories that a strict sandbox may write
  std::vector<std::string> readable;  // likewise, of files that it sees wherever they lie
  // Level 3.
  std::vector<std::string> secrets;  // that become "***" in its output (base/masker.h) before it is written anywhere
  uint32_t level() const {
    if (!secrets.empty()) return 3;
    return limits.any() || become || sandbox != Sandbox::kNone ? 2 : 1;
  }
};

struct Stop {
  uint64_t log_id = 0;
};

struct Forget {
  uint64_t log_id = 0;
};

struct Shutdown {};

struct Started {
  uint64_t log_id = 0;
  uint32_t pid = 0;
  int64_t wall_us = 0;
  LogPosition log_begin = 0;  // no frame of the attempt lies before it
};

struct Ended {
  enum class Cause : uint8_t { kItself = 0, kStopped = 1, kTimedOut = 2, kNotSpawned = 3 };
  uint64_t log_id = 0;
  Cause cause = Cause::kItself;
  int32_t exit_code = -1;  // when it exited
  int32_t signal = 0;      // when it was signaled
  // kNotSpawned: why. EINVAL: the Start is not valid; EAGAIN: too many attempts; ESHUTDOWN: after Shutdown (these
  // two are not kept); else of the system. A failed exec or chdir is an exit with 126 or 127, as in a shell.
  int32_t spawn_errno = 0;
  int64_t started_wall_us = 0;
  int64_t ended_wall_us = 0;
  LogPosition log_begin = 0;
  LogPosition log_end = 0;  // no frame of the attempt lies at or after it
  int64_t log_bytes = 0;    // data bytes of the attempt in the log, all streams
  // Level 2.
  bool out_of_memory = false;  // the kernel killed a process of it that went beyond limits.memory_bytes
  std::string reason;          // kNotSpawned: in words, where the number does not say it
};

// An attempt that the launcher knows when an agent connects: running (ended empty) or with its result.
struct Known {
  Started started;
  std::optional<Ended> ended;
};

struct LogEnd {
  LogPosition position = 0;
};

// A sentence for whoever looks after the host: the log can't be written and output is held back; or that is over.
struct Trouble {
  std::string text;
};
// How the text begins that says so; any other says that it is over.
inline constexpr std::string_view kHeldBack = "output of jobs is held back";

using ToLauncher = std::variant<Hello, Start, Stop, Forget, Shutdown>;
// `Known` messages follow Hello; an empty Ready closes the list.
struct Ready {};
using FromLauncher = std::variant<Hello, Known, Ready, Started, Ended, LogEnd, Trouble>;

// Appends one frame to `out`.
void Encode(const ToLauncher& message, std::string& out);
void Encode(const FromLauncher& message, std::string& out);

// Takes one whole frame off the front of `in` and decodes it; nullopt when `in` holds only part of one.
// kCorrupt for an impossible length, an unknown type or a body that does not fit.
Result<std::optional<ToLauncher>> DecodeToLauncher(std::string_view& in);
Result<std::optional<FromLauncher>> DecodeFromLauncher(std::string_view& in);
// All whole ones. kInvalid, too, for a launcher of another version.
Result<std::vector<FromLauncher>> DecodeAllFromLauncher(std::string_view& in);

}  // namespace cromt::launcher
