#include "tests/unit/git/fixture.h"

#include <fmt/format.h>

#include <pwd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/random.h"
#include "io/archive/extract.h"
#include "tests/support/command.h"

namespace cromt {

namespace fs = std::filesystem;

namespace {

std::string RunGit(const fs::path& folder, std::vector<std::string> argv, const std::string& input_file) {
  argv.insert(argv.begin(), {"git", "-C", folder.string()});
  auto result = RunCommand(
      argv,
      {"HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a",
       "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_NAME=a",
       "GIT_COMMITTER_EMAIL=a@example.org", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z", "GIT_TERMINAL_PROMPT=0"},
      input_file);
  EXPECT_EQ(result.code, 0) << ::testing::PrintToString(argv) << ": " << result.output;
  if (result.output.ends_with('\n')) result.output.pop_back();
  return result.output;
}

std::string FromEnvironment(const char* name) {
  const char* value = getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set: run this test by ctest";
  return value != nullptr ? value : "";
}

}  // namespace

TestRepository::TestRepository(const fs::path& folder, const std::string& name)
    : bare(folder / (name + ".git")), work(folder / (name + ".work")) {
  RunGit(folder, {"init", "-q", "--bare", "-b", "main", bare.string()}, "/dev/null");
  RunGit(folder, {"init", "-q", "-b", "main", work.string()}, "/dev/null");
}

std::string TestRepository::Git(std::vector<std::string> argv, const std::string& input_file) {
  return RunGit(work, std::move(argv), input_file);
}

std::string TestRepository::BareGit(std::vector<std::string> argv, const std::string& input_file) {
  return RunGit(bare, std::move(argv), input_file);
}

std::string TestRepository::Commit(const std::map<std::string, std::string>& files, const std::string& branch) {
  if (Git({"branch", "--show-current"}) != branch) Git({"checkout", "-q", "-B", branch});
  for (const auto& [name, text] : files) {
    fs::create_directories((work / name).parent_path());
    if (text.empty()) {
      fs::remove_all(work / name);
    } else {
      std::ofstream(work / name, std::ios::binary) << text;
    }
  }
  Git({"add", "-A"});
  Git({"commit", "-q", "--allow-empty", "-m", "change"});
  Git({"push", "-q", "-f", bare.string(), branch});
  return Git({"rev-parse", "HEAD"});
}

std::string TestRepository::WriteRaw(const std::string& type, const std::string& bytes) {
  const fs::path file = bare / "raw-input";
  std::ofstream(file, std::ios::binary) << bytes;
  const std::string hex = BareGit({"hash-object", "-t", type, "-w", "--stdin", "--literally"}, file);
  std::string id;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    id += static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16));
  }
  return id;
}

std::string TestRepository::CommitRawTree(const std::string& tree) {
  std::string hex;
  for (unsigned char byte : WriteRaw("tree", tree)) hex += fmt::format("{:02x}", byte);
  const std::string commit = BareGit({"commit-tree", "-m", "raw", hex});
  BareGit({"update-ref", "refs/heads/main", commit});
  return commit;
}

HttpServer::HttpServer(const fs::path& root, const fs::path& log, std::vector<std::string> options)
    : log_(log), process_([&] {
        std::vector<std::string> argv = {"/usr/bin/python3",
                                         FromEnvironment("CROMT_SOURCE") + "/tests/support/git_server.py",
                                         "--root",
                                         root.string(),
                                         "--log",
                                         log.string()};
        argv.insert(argv.end(), options.begin(), options.end());
        return argv;
      }()) {
  const bool has_tls = std::find(options.begin(), options.end(), "--tls") != options.end();
  place_ = has_tls ? "https://localhost" : "http://127.0.0.1";
  port_ = process_.ReadLine();
}

std::string HttpServer::Log() const {
  std::ifstream in(log_);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

SshServer::SshServer(fs::path folder, const std::vector<fs::path>& authorized,
                     const std::vector<std::string>& host_keys)
    : folder_(std::move(folder)), process_([&] {
        std::vector<std::string> argv = {"/usr/bin/python3",
                                         FromEnvironment("CROMT_SOURCE") + "/tests/support/ssh_server.py", "--folder",
                                         folder_.string()};
        for (const fs::path& key : authorized) argv.insert(argv.end(), {"--authorized", key.string()});
        for (const std::string& type : host_keys) argv.insert(argv.end(), {"--host-key", type});
        return argv;
      }()) {
  port_ = process_.ReadLine();
}

std::string SshServer::Url(const fs::path& path) const {
  return fmt::format("ssh://{}@127.0.0.1:{}{}", UserName(), port_, path.string());
}

std::string SshServer::KnownHostsLine(const std::string& type) const {
  std::ifstream in(folder_ / ("host_" + type + ".pub"));
  std::string name, key;
  in >> name >> key;
  return fmt::format("[127.0.0.1]:{} {} {}", port_, name, key);
}

std::string SshServer::Log() const {
  std::ifstream in(folder_ / "sshd.log");
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string UserName() {
  const passwd* entry = getpwuid(geteuid());
  EXPECT_NE(entry, nullptr);
  return entry != nullptr ? entry->pw_name : "";
}

std::string MustRun(std::vector<std::string> argv, std::vector<std::string> environment) {
  auto result = RunCommand(argv, std::move(environment));
  EXPECT_EQ(result.code, 0) << ::testing::PrintToString(argv) << ": " << result.output;
  return result.output;
}

std::string PrivateFile(const fs::path& file, const std::string& text) {
  std::ofstream(file) << text;
  fs::permissions(file, fs::perms(0600));
  return file;
}

void GitTest::SetUp() {
  std::string pattern = (fs::temp_directory_path() / "cromt-git-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  top_ = pattern;
  auto blobs = BlobStore::Open(top_ / "blobs");
  ASSERT_TRUE(blobs) << blobs.error().message;
  blobs_ = std::move(*blobs);
  settings_.helper = FromEnvironment("CROMT_BIN") + "/cromt-git";
  settings_.allow_local = true;
}

void GitTest::TearDown() {
  blobs_.reset();
  fs::remove_all(top_);
}

std::unique_ptr<GitCache> GitTest::NewCache(const std::string& name) {
  return std::make_unique<GitCache>(top_ / name, *blobs_, settings_);
}

fs::path GitTest::MirrorOf(const std::string& cache_name) {
  EXPECT_EQ(std::distance(fs::directory_iterator(top_ / cache_name), {}), 1);
  return fs::directory_iterator(top_ / cache_name)->path() / "mirror";
}

fs::path GitTest::Unpack(const Digest& tree) {
  const fs::path folder = top_ / fmt::format("unpacked-{}", ++unpacked_);
  fs::create_directory(folder);
  auto fd = blobs_->Read(tree);
  EXPECT_TRUE(fd) << fd.error().message;
  auto extracted = ExtractArchive(fd ? fd->get() : -1, folder);
  EXPECT_TRUE(extracted) << extracted.error().message;
  return folder;
}

std::string GitTest::Contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string Noise(size_t size, unsigned seed) {
  SeededRandom random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

}  // namespace cromt
