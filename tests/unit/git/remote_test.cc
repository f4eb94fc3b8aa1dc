// Remotes that are elsewhere, silent, locked or gone.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/unique_fd.h"
#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Then memory has no bound.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif

// A port of 127.0.0.1; listening accepts connections (the kernel does) and never says a word.
class Port {
 public:
  explicit Port(bool listening) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listening ? listen(socket_.get(), 16) : 0, 0);
    EXPECT_EQ(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }
  int number() const { return number_; }
  std::string Url(const std::string& scheme) const { return fmt::format("{}://127.0.0.1:{}/r.git", scheme, number_); }

 private:
  UniqueFd socket_;
  int number_ = 0;
};

class RemoteTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    repository_ = std::make_unique<TestRepository>(top_, "r");
    commit_ = repository_->Commit({{"f", "1"}});
  }
  Result<GitCache::Resolved> Resolve(const std::string& url, const std::string& ref = "") {
    return NewCache("cache")->Resolve(url, ref);
  }

  static int64_t BytesUnder(const std::filesystem::path& folder) {
    int64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
    return bytes;
  }

  std::unique_ptr<TestRepository> repository_;
  std::string commit_;
};

TEST_F(RemoteTest, NoSuchRepository) {
  HttpServer server(top_, top_ / "log");
  for (const std::string& url : {server.Url("none.git"), "file://" + (top_ / "none.git").string()}) {
    auto resolved = Resolve(url);
    EXPECT_EQ(resolved.error().code, ErrorCode::kNotFound) << resolved.error().message;
    EXPECT_THAT(resolved.error().message, HasSubstr(url + ": there is no such repository"));
  }
}

TEST_F(RemoteTest, NobodyListens) {
  Port closed(false);
  for (std::string scheme : {"http", "https", "git"}) {
    auto resolved = Resolve(closed.Url(scheme));
    EXPECT_EQ(resolved.error().code, ErrorCode::kUnavailable) << resolved.error().message;
    EXPECT_THAT(resolved.error().message, HasSubstr(closed.Url(scheme)));
  }
}

TEST_F(RemoteTest, AServerThatAcceptsAndNeverAnswers) {
  Port silent(true);
  settings_.silence_timeout = milliseconds(200);
  for (std::string scheme : {"http", "https", "git"}) {
    auto resolved = Resolve(silent.Url(scheme));
    EXPECT_EQ(resolved.error().code, ErrorCode::kTimeout);
    EXPECT_THAT(resolved.error().message, HasSubstr(silent.Url(scheme) + ": the server said nothing for 200ms"));
  }
}

TEST_F(RemoteTest, AServerThatTakesTheRequestAndNeverAnswers) {
  HttpServer server(top_, top_ / "log");
  settings_.timeout = milliseconds(500);
  auto resolved = Resolve(server.Url("stall/r.git"), "main");
  EXPECT_EQ(resolved.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(resolved.error().message, HasSubstr("/stall/r.git, ref 'main': not done within 500ms"));
}

TEST_F(RemoteTest, ASilentServerIsStillWaitedForAloud) {
  Port silent(true);
  settings_.silence_timeout = milliseconds(300);
  settings_.progress_interval = milliseconds(20);
  int words = 0;
  auto resolved = NewCache("cache")->Resolve(silent.Url("http"), "", [&](const GitCache::Progress&) { ++words; });
  EXPECT_EQ(resolved.error().code, ErrorCode::kTimeout);
  EXPECT_GE(words, 3);
}

// It says something all the time, and never comes to an end.
TEST_F(RemoteTest, AServerThatDrips) {
  HttpServer server(top_, top_ / "log");
  settings_.timeout = milliseconds(700);
  auto resolved = Resolve(server.Url("drip/r.git"));
  EXPECT_EQ(resolved.error().code, ErrorCode::kTimeout) << resolved.error().message;
  EXPECT_THAT(resolved.error().message, HasSubstr("not done within 700ms"));
}

// Attack 22: refs have no limit in Git, and are kept in memory.
TEST_F(RemoteTest, AServerThatListsRefsWithoutEnd) {
  HttpServer server(top_, top_ / "log");
  settings_.max_memory_bytes = 300 << 20;
  settings_.timeout = seconds(kIsSanitized ? 3 : 60);
  auto resolved = Resolve(server.Url("flood/r.git"));
  EXPECT_EQ(resolved.error().code, kIsSanitized ? ErrorCode::kTimeout : ErrorCode::kExhausted)
      << resolved.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(MirrorOf("cache") / "objects/pack"));
}

// Attack 22, as packs.
TEST_F(RemoteTest, APackThatExplodes) {
  HttpServer server(top_, top_ / "log");
  settings_.unpack_allowance = milliseconds(500);
  auto resolved = Resolve(server.Url("bomb/r.git"), "main");
  EXPECT_EQ(resolved.error().code, ErrorCode::kExhausted) << resolved.error().message;
  EXPECT_THAT(resolved.error().message, HasSubstr("far more than its size"));
  EXPECT_LT(BytesUnder(MirrorOf("cache")), 1 << 20);
}

TEST_F(RemoteTest, APackWithoutEnd) {
  HttpServer server(top_, top_ / "log");
  settings_.max_pack_bytes = 1 << 20;
  auto resolved = Resolve(server.Url("endless/r.git"), "main");
  EXPECT_EQ(resolved.error().code, ErrorCode::kExhausted) << resolved.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(MirrorOf("cache") / "objects/pack"));
}

TEST_F(RemoteTest, APackThatBreaksOff) {
  HttpServer server(top_, top_ / "log");
  auto resolved = Resolve(server.Url("cut/r.git"), "main");
  EXPECT_FALSE(resolved);
  EXPECT_NE(resolved.error().code, ErrorCode::kCorrupt) << resolved.error().message;
}

TEST_F(RemoteTest, SomebodyCancelsMeanwhile) {
  Port silent(true);
  auto cache = NewCache("cache");
  std::stop_source stop;
  Result<GitCache::Resolved> resolved;
  std::thread thread([&] { resolved = cache->Resolve(silent.Url("http"), "", {}, stop.get_token()); });
  stop.request_stop();
  thread.join();
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().code, ErrorCode::kCanceled);
}

// The mirror is usable at once after a helper was killed in the middle.
TEST_F(RemoteTest, AfterATimeoutTheNextTryWorks) {
  HttpServer server(top_, top_ / "log");
  GitCache::Settings fast = settings_;
  settings_.rewrites = {{"http://name/", server.Url("stall/")}};
  settings_.timeout = milliseconds(300);
  EXPECT_EQ(Resolve("http://name/r.git").error().code, ErrorCode::kTimeout);
  settings_ = fast;
  EXPECT_EQ(Resolve(server.Url("r.git"))->commit, commit_);
}

TEST_F(RemoteTest, AMovedRepositoryIsFollowed) {
  HttpServer old_home(top_, top_ / "log"), new_home(top_, top_ / "new-log");
  auto resolved = Resolve(old_home.Url("redirect/" + new_home.Url("r.git")));
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, commit_);
}

TEST_F(RemoteTest, ARedirectToTheCoordinatorsOwnDisk) {
  HttpServer server(top_, top_ / "log");
  auto resolved = Resolve(server.Url("redirect/" + FileUrl(*repository_)));
  ASSERT_FALSE(resolved) << "a file was read";
}

TEST_F(RemoteTest, Rewriting) {
  HttpServer server(top_, top_ / "log");
  settings_.rewrites = {{"https://example.org/", server.Url("")}};
  EXPECT_EQ(Resolve("https://example.org/r.git")->commit, commit_);
}

TEST_F(RemoteTest, LocalRepositoriesNeedLeave) {
  settings_.allow_local = false;
  for (const std::string& url : {FileUrl(*repository_), repository_->bare.string()}) {
    auto resolved = Resolve(url);
    EXPECT_EQ(resolved.error().code, ErrorCode::kDenied);
    EXPECT_THAT(resolved.error().message, HasSubstr("allow_local"));
  }
  settings_.rewrites = {{"https://example.org/", "file://" + top_.string() + "/"}};
  EXPECT_EQ(Resolve("https://example.org/r.git")->commit, commit_) << "the author of the rule gave it";
  EXPECT_EQ(Resolve("https://example.org/../r.git").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Resolve("https://example.org/%2e%2e/r.git").error().code, ErrorCode::kInvalid);
  settings_.allow_local = true;
  EXPECT_EQ(Resolve(repository_->bare.string())->commit, commit_);
}

TEST_F(RemoteTest, TheGitProtocol) {
  std::unique_ptr<BackgroundProcess> daemon;
  std::string url;
  for (int attempt = 0; attempt < 5 && url.empty(); ++attempt) {  // somebody may take the port in between
    const int port = Port(false).number();
    daemon = std::make_unique<BackgroundProcess>(
        std::vector<std::string>{"git", "daemon", "--verbose", "--listen=127.0.0.1", fmt::format("--port={}", port),
                                 "--export-all", "--reuseaddr", "--base-path=" + top_.string()});
    if (daemon->ReadLine().find("Ready to rumble") != std::string::npos) url = fmt::format("git://127.0.0.1:{}/", port);
  }
  ASSERT_FALSE(url.empty()) << "no git daemon";
  auto resolved = Resolve(url + "r.git");
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, commit_);
  auto none = Resolve(url + "none.git");
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound) << none.error().message;
}

TEST_F(RemoteTest, AHelperThatIsMissingOrDies) {
  settings_.helper = top_ / "no-helper";
  auto missing = Resolve(FileUrl(*repository_));
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("starting git helper " + (top_ / "no-helper").string()));
  settings_.helper = "/bin/false";
  auto dies = Resolve(FileUrl(*repository_));
  EXPECT_EQ(dies.error().code, ErrorCode::kInternal);
  EXPECT_THAT(dies.error().message, HasSubstr("the git helper exited with 1 before it answered"));
}

// A program that kills itself as often as `times` says, and then is the helper.
TEST_F(RemoteTest, AHelperThatIsKilledIsStartedAgainTwice) {
  const std::string helper = settings_.helper.string();
  settings_.helper = top_ / "killed";
  for (int times : {1, 2, 3}) {
    std::ofstream(settings_.helper) << fmt::format(
        "#!/bin/sh\nn=$(cat {0}/n)\n[ \"$n\" = 0 ] && exec {1}\n"
        "echo $((n - 1)) >{0}/n\nkill -9 $$\n",
        top_.string(), helper);
    std::filesystem::permissions(settings_.helper, std::filesystem::perms::owner_all);
    std::ofstream(top_ / "n") << times;
    auto resolved = Resolve(FileUrl(*repository_));
    if (times < 3) {
      ASSERT_TRUE(resolved) << resolved.error().message;
      EXPECT_EQ(resolved->commit, commit_);
    } else {
      EXPECT_EQ(resolved.error().code, ErrorCode::kUnavailable);
      EXPECT_THAT(resolved.error().message, HasSubstr("the git helper was killed by Killed before it answered"));
    }
  }
}

}  // namespace
}  // namespace cromt
