// What GitCache and its helper program say to each other over one socket, the helper's standard input.
//
// The parent sends one request; the helper answers with replies, the last of which is kFetched, kPacked or
// kFailed, and exits. Both are frames: u32 length | u8 kind | fields in the order below (base/bytes.h). The two
// programs are of one build, so there is no version; a frame that doesn't parse is kInternal.
//
// A process of its own, since libgit2 1.5 has no timeout for a silent server and parses what strangers send:
// the parent kills it at the deadline, and a crash of it is an error message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "io/git/submodule.h"

namespace cromt::git {

inline constexpr uint32_t kMaxFrameBytes = 1 << 20;

// Brings a mirror up to what `ref` needs and resolves it.
struct FetchRequest {
  std::string url;
  std::string shown;     // for messages
  std::string ref;       // empty = HEAD
  std::string commit;    // that `ref` named a while ago, and is what is wanted; empty = what it names now
  std::string mirror;    // directory; made if missing. Its lock is the file beside it, "MIRROR.lock"
  bool rebuild = false;  // delete the mirror first
  std::string user;      // of http(s); if there is one, no redirect to another host is followed
  std::string password;  // a secret: it travels only here and to the server
  std::string login_of;  // the prefix that user and password are configured for, for messages
  std::string ca_file;   // trusted besides the system's certificates; empty = none
  std::string host;      // without brackets; empty for files
  bool by_ssh = false;
  uint32_t port = 0;
  std::vector<std::string> ssh_keys;     // files of private keys, tried in this order; then the agent
  std::vector<std::string> known_hosts;  // files, also missing ones
  int64_t max_memory_bytes = 0;          // of the helper's address space
  int64_t max_pack_bytes = 0;
  uint32_t unpack_ms = 0;  // of processor time, beyond a second for each MiB received
  uint32_t max_objects = 0;
  uint32_t max_packs = 0;  // a mirror of more is cloned anew: each fetch adds one, and nothing else tidies
  uint32_t timeout_s = 0;  // the helper ends itself after it: a parent may be gone
};

// Says what `ref` names now; touches no mirror.
struct ListRequest {
  FetchRequest of;  // without what is about its mirror
};

// Sends the files of a commit in the mirror as an archive (io/archive/entry.h), in kChunk replies.
struct PackRequest {
  std::string shown;
  std::string mirror;
  std::string commit;
  int64_t max_files = 0;
  int64_t max_tree_bytes = 0;
  int64_t max_memory_bytes = 0;
  uint32_t timeout_s = 0;
};

using Request = std::variant<FetchRequest, PackRequest, ListRequest>;

struct Started {};  // the mirror's lock is ours; from now on silence means that something hangs
struct Progress {
  int64_t received_bytes = 0;
  uint32_t received_objects = 0;
  uint32_t total_objects = 0;
};
struct Chunk {
  std::string bytes;
};
struct Fetched {
  std::string commit;
  std::string branch;  // what the ref or HEAD named, if it was a branch
};
struct Packed {
  std::vector<Submodule> submodules;  // empty directories in the archive
};
struct Failed {
  Error error;  // kCorrupt: the mirror is damaged; rebuilding it may help
};
using Reply = std::variant<Started, Progress, Chunk, Fetched, Packed, Failed>;

// One whole frame.
std::string Encode(const Request& request);
std::string Encode(const Reply& reply);

// Take one frame off the front of `in`; nullopt when it holds only part of one; kInternal when it is none.
Result<std::optional<Request>> TakeRequest(std::string& in);
Result<std::optional<Reply>> TakeReply(std::string& in);

}  // namespace cromt::git
