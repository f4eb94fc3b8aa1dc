// Real repositories, made with git, in a temporary directory; a server for them; and a cache to try.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "io/blob/store.h"
#include "io/git/cache.h"
#include "tests/support/background.h"

namespace cromt {

// A bare repository and a work tree that pushes to it.
class TestRepository {
 public:
  // Branch main, no commit yet.
  TestRepository(const std::filesystem::path& folder, const std::string& name);

  // Writes files ("" as text deletes), commits all on `branch` and pushes it by force; returns the commit.
  std::string Commit(const std::map<std::string, std::string>& files, const std::string& branch = "main");

  // git ARGV… in the work tree; its output without the last line end. A failure is a failure of the test.
  std::string Git(std::vector<std::string> argv, const std::string& input_file = "/dev/null");
  // The same in the bare repository.
  std::string BareGit(std::vector<std::string> argv, const std::string& input_file = "/dev/null");

  // A commit on main of a tree given raw, without git's checks: entries "MODE NAME\0" + 20 bytes of id.
  std::string CommitRawTree(const std::string& tree);
  // The id of a blob or raw tree, as 20 bytes.
  std::string WriteRaw(const std::string& type, const std::string& bytes);

  std::filesystem::path bare, work;
};

// tests/support/git_server.py over `root`, on a port of its own.
class HttpServer {
 public:
  HttpServer(const std::filesystem::path& root, const std::filesystem::path& log,
             std::vector<std::string> options = {});
  // With `options` of TLS: https, and the name that certificates can be for.
  std::string Url(const std::string& rest) const { return place_ + ":" + port_ + "/" + rest; }
  const std::string& port() const { return port_; }
  // Requests so far, one a line.
  std::string Log() const;

 private:
  std::filesystem::path log_;
  BackgroundProcess process_;
  std::string place_, port_;
};

// tests/support/ssh_server.py: sshd, which lets the own user in by `authorized`, a file of public keys.
class SshServer {
 public:
  SshServer(std::filesystem::path folder, const std::vector<std::filesystem::path>& authorized,
            const std::vector<std::string>& host_keys = {"ed25519"});
  // ssh://USER@127.0.0.1:PORT/PATH
  std::string Url(const std::filesystem::path& path) const;
  const std::string& port() const { return port_; }
  // The line of known_hosts for its key of this type.
  std::string KnownHostsLine(const std::string& type = "ed25519") const;
  std::string Log() const;

 private:
  std::filesystem::path folder_;
  BackgroundProcess process_;
  std::string port_;
};

class GitTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A cache of its own under top_/NAME, which shares the blob store.
  std::unique_ptr<GitCache> NewCache(const std::string& name);
  // The one mirror that a cache has.
  std::filesystem::path MirrorOf(const std::string& cache_name);

  // Unpacks a tree from the blob store; returns where.
  std::filesystem::path Unpack(const Digest& tree);
  static std::string Contents(const std::filesystem::path& file);
  static std::string FileUrl(const TestRepository& repository) { return "file://" + repository.bare.string(); }

  std::filesystem::path top_;
  std::unique_ptr<BlobStore> blobs_;
  GitCache::Settings settings_;  // for caches made after a change; local repositories are allowed

 private:
  int unpacked_ = 0;
};

// The name of the user who runs the test.
std::string UserName();

// Runs a program that has to succeed; its output.
std::string MustRun(std::vector<std::string> argv, std::vector<std::string> environment = {});

// A file of the text that only its owner may read.
std::string PrivateFile(const std::filesystem::path& file, const std::string& text);

// Bytes that don't compress.
std::string Noise(size_t size, unsigned seed = 1);

}  // namespace cromt
