// The coordinator's Git: a URL and a ref become one commit and its files as one blob.
//
//   DIR/KEY/url           the repository's URL without credentials, for people
//   DIR/KEY/mirror/       a bare repository, fetched into; KEY = SHA-256 of that URL after rewriting
//   DIR/KEY/mirror.lock   held (flock) by whoever fetches or reads, also across processes
//   DIR/KEY/trees/COMMIT  digest and submodules of a tree packed before; with another name: one with submodules in it
//   DIR/KEY/ssh/          of a repository by ssh: a home for libgit2 (helper/access.cc); look/ssh/ while it is only
//   looked at
//
// All that libgit2 does happens in a helper process (protocol.h), killed at its deadline. No work tree is ever
// made: the files go from Git's objects into an archive, so hooks, filters, attributes, LFS and configuration of
// a repository are bytes and nothing more. System and user Git configuration is not read, nothing is prompted
// for. Passwords and keys are those that the settings name, by files; a password reaches the helper over its socket,
// goes to the server that it is for and to no host that this one redirects to, and is in no message.
//
// A helper that somebody kills is started again, twice at most.
// A damaged mirror is deleted and cloned anew, once a call. Mirrors are never deleted otherwise.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/blob/store.h"
#include "io/git/helper_process.h"
#include "io/git/login.h"
#include "io/git/submodule.h"
#include "io/git/url.h"

namespace cromt {

class GitCache {
 public:
  struct Settings {
    std::filesystem::path helper;       // the program cromt-git
    GitRewrites rewrites;               // a rule's target may be file://, whatever allow_local says: its author decides
    bool allow_local = false;           // file:// and paths as they stand in a job file
    GitLoginFiles logins;               // for http(s); REQUIRES: CheckLoginPrefix of each
    std::string ca_file;                // of certificates trusted besides the system's; empty = none
    GitPrefixes submodules;             // where submodules may come from; others stay empty directories
    std::vector<std::string> ssh_keys;  // files of private keys without passphrase, tried before the agent
    std::vector<std::string> known_hosts;    // files; what they don't name is not connected to
    Duration timeout = seconds(600);         // of one Resolve
    Duration silence_timeout = seconds(60);  // of a server that says nothing
    Duration look_timeout = seconds(20);     // of one Look
    Duration progress_interval = seconds(1);
    int64_t max_pack_bytes = int64_t{4} << 30;  // of one fetch
    // Processor time of one fetch beyond a second for each MiB received, which is many times what a usual pack takes:
    // one that takes more holds a thousand times what it sends.
    Duration unpack_allowance = seconds(30);
    uint32_t max_objects = 10'000'000;          // of one fetch
    uint32_t max_packs = 256;                   // of one mirror: each fetch adds one; past it the mirror is cloned anew
    int64_t max_files = 1'000'000;              // of one tree, directories and links included
    int64_t max_tree_bytes = int64_t{4} << 30;  // of one tree, as packed
    int64_t max_memory_bytes = int64_t{8} << 30;  // of a helper's address space; a pack's mapped windows count
  };

  struct Resolved {
    std::string commit;              // 40 hex digits
    std::string branch;              // what the ref or HEAD named, if it was a branch
    Digest tree;                     // in the blob store; io/archive/extract.h unpacks it
    std::vector<std::string> notes;  // for people: which submodules are left empty, and why
    int64_t fetched_bytes = 0;
  };

  using Progress = git::Progress;
  // Called on the thread of Resolve: at most 4 times a second, and at least once in Settings::progress_interval, also
  // while a server is silent or another call fetches.
  using OnProgress = std::function<void(const Progress&)>;

  // The blob store must outlive the cache. `directory` is made when first needed.
  GitCache(std::filesystem::path directory, BlobStore& blobs, Settings settings)
      : directory_(std::move(directory)), blobs_(blobs), settings_(std::move(settings)) {}

  // Blocks until the tree is in the blob store: call it on a worker thread. Thread-safe; two calls for one
  // repository wait for each other while they fetch. Ends at the latest after Settings::timeout.
  //
  // `ref` is as CheckGitRef says; empty = the remote's HEAD; 40 hex digits are always a commit. Every call
  // asks the remote, so that what a mirror holds is served only to who can still read the repository.
  //
  // kInvalid, kDenied: URL or ref is not taken, or the tree holds what is refused; kNotFound: no such
  // repository, branch, tag or commit; kUnavailable: the remote can't be reached or broke off; kExhausted: over
  // a limit; kDenied also: a server that is not known or does not let us in; kCorrupt: objects are damaged or missing,
  // also in a fresh clone; kTimeout, kCanceled. Messages name URL and ref, without credentials.
  // `pushed` is a commit that the ref named a while ago: that one is meant then, also if the ref has moved on.
  Result<Resolved> Resolve(std::string_view url, std::string_view ref, const OnProgress& on_progress = {},
                           std::stop_token stop = {}, std::string_view pushed = {});

  // HOST:PORT that a repository is fetched from; of one without, the repository's own name.
  std::string ServerOf(std::string_view url) const;

  // The commit that `ref` names now: 40 hex digits. Fetches nothing, waits for nobody who does. Errors as of Resolve;
  // ends at the latest after Settings::look_timeout.
  Result<std::string> Look(std::string_view url, std::string_view ref, std::stop_token stop = {});

 private:
  struct Call;  // one Resolve under way

  Result<GitUrl> Accept(std::string_view url) const;
  Result<Call> MakeCall(std::string_view url, std::string_view ref, const OnProgress& on_progress,
                        std::stop_token stop) const;
  Result<Resolved> Resolve(Call& call);
  Result<Resolved> ResolveOnce(Call& call, bool rebuild);
  Status AddSubmodules(Call& call, Resolved& resolved);
  Result<std::string> SubmoduleUrl(const Call& call, const git::Submodule& module) const;
  Result<Digest> Join(const Call& call, const Digest& tree, const std::vector<git::TreePart>& parts);
  Result<git::HelperProcess> StartHelper(Call& call, const git::Request& request) const;
  Result<git::Fetched> Fetch(Call& call, bool rebuild);
  Result<git::FetchRequest> FetchRequestOf(Call& call) const;
  Result<git::Fetched> AskForCommit(Call& call, const git::Request& request);
  Status SetAccess(Call& call, git::FetchRequest& request) const;
  Status Pack(Call& call, Resolved& resolved);
  Result<git::Reply> Next(Call& call, git::HelperProcess& helper);

  const std::filesystem::path directory_;
  BlobStore& blobs_;
  const Settings settings_;
};

}  // namespace cromt
