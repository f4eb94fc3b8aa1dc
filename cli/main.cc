// cromt: the command line, on the real system.
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "cli/app.h"
#include "cli/embed/embedded.h"
#include "cli/embed/local_runs.h"
#include "cli/remote.h"
#include "cli/remote_access.h"
#include "cli/signal_interrupts.h"
#include "io/process/boot_id.h"
#include "io/rpc/prepare.h"

namespace cromt::cli {
namespace {

class EmbeddedMesh final : public LocalMesh {
 public:
  explicit EmbeddedMesh(std::unique_ptr<Embedded> embedded) : embedded_(std::move(embedded)) {}
  Control& control() override { return embedded_->control(); }

 private:
  std::unique_ptr<Embedded> embedded_;
};

Result<std::unique_ptr<LocalMesh>> Embed(const EmbeddedOptions& options) {
  CROMT_ASSIGN(auto embedded, Embedded::Start(options));
  return std::make_unique<EmbeddedMesh>(std::move(embedded));
}

std::string UserName() {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found ? found->pw_name : std::to_string(::geteuid());
}

uint32_t TerminalColumns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

TerminalSize ErrorTerminal() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

std::string WorkingDirectory() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

int Main(int argc, char** argv) {
  KeepBrokenPipesQuiet();
  rpc::Prepare();
  FdWriter out(STDOUT_FILENO, "standard output");
  FdWriter err(STDERR_FILENO, "standard error");
  SignalInterrupts interrupts;
  SystemClock clock;
  SystemRandom random;
  const World world{.out = out,
                    .err = err,
                    .interrupts = interrupts,
                    .clock = clock,
                    .random = random,
                    .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                    .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                    .input_is_terminal = ::isatty(STDIN_FILENO) == 1,
                    .columns = TerminalColumns(),
                    .terminal_size = ErrorTerminal,
                    .variable = Variable,
                    .user = UserName(),
                    .directory = WorkingDirectory(),
                    .boot = BootId()};
  return RunCli({argv + 1, argv + argc},
                {.connect = ConnectRemote,
                 .connect_access = ConnectRemoteAccess,
                 .fetch_authority = FetchAuthority,
                 .embed = Embed,
                 .open_local = OpenLocalRuns},
                world);
}

}  // namespace
}  // namespace cromt::cli

int main(int argc, char** argv) {
  return cromt::cli::Main(argc, argv);
}
