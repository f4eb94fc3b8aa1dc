#include "cli_test.h"

#include <time.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace cromt::cli {
namespace {

constexpr int64_t kStart = 1'795'372'471'000'000;  // 2026-11-22T18:34:31Z

class EmbeddedFake final : public LocalMesh {
 public:
  explicit EmbeddedFake(Control& control) : control_(control) {}
  Control& control() override { return control_; }

 private:
  Control& control_;
};

}  // namespace

Wall At(int64_t milliseconds_later) {
  return WallFromMicros(kStart + milliseconds_later * 1000);
}

TaskView Task(uint32_t number, const std::string& name, const std::string& host) {
  return {.index = number - 1, .instance = 0, .name = name, .project = name, .host = host};
}

TaskView Running(TaskView task) {
  task.status.state = TaskState::kRunning;
  task.status.attempt = 1;
  task.status.queued_at = At(10);
  task.status.started_at = At(20);
  return task;
}

TaskView Succeeded(TaskView task, int64_t log_bytes) {
  task = Running(std::move(task));
  task.status.state = TaskState::kFinished;
  task.status.outcome = TaskOutcome::kSucceeded;
  task.status.exit = Exited{0};
  task.status.finished_at = *task.status.started_at + seconds(task.index + 1);
  task.status.log_bytes = log_bytes;
  return task;
}

TaskView Failed(TaskView task, int exit_code, const std::string& reason) {
  task = Succeeded(std::move(task));
  task.status.outcome = TaskOutcome::kFailed;
  task.status.exit = Exited{exit_code};
  task.status.reason = reason;
  return task;
}

TaskView Skipped(TaskView task, const std::string& reason) {
  task.status.state = TaskState::kFinished;
  task.status.outcome = TaskOutcome::kSkipped;
  task.status.reason = reason;
  task.status.finished_at = At(3000);
  return task;
}

RunView RunOf(const std::string& project, std::vector<TaskView> tasks, std::optional<RunOutcome> outcome) {
  RunView run;
  run.header = {.id = RunId("run1"), .project = project, .revision = 1, .author = "alice", .created_at = At(0)};
  run.status.state = outcome ? RunState::kFinished : RunState::kRunning;
  run.status.outcome = outcome;
  run.status.started_at = At(5);
  if (outcome) run.status.finished_at = At(3005);
  run.instances = {{.project = project, .needs = {}}};
  run.tasks = std::move(tasks);
  return run;
}

RunUpdate Whole(const RunView& run) {
  RunUpdate update{.run = run, .tasks = run.tasks};
  update.run->tasks.clear();
  return update;
}

RunUpdate Ended(RunView run, RunOutcome outcome, std::vector<TaskView> tasks) {
  return Whole(RunOf(run.header.project, std::move(tasks), outcome));
}

RunUpdate Changed(std::vector<TaskView> tasks) {
  return {.run = std::nullopt, .tasks = std::move(tasks)};
}

LogPiece Printed(uint32_t task_number, int64_t offset, const std::string& text, uint8_t stream) {
  return {.task = task_number - 1, .attempt = 1, .stream = stream, .offset = offset, .at = At(100), .data = text};
}

CliTest::CliTest() {
  setenv("TZ", "UTC", 1);
  tzset();
  std::string pattern = std::filesystem::temp_directory_path() / "cromt-cli-XXXXXX";
  directory_ = mkdtemp(pattern.data());
  environment_ = {{"HOME", directory_}};
  clock_.now = At(60'000);
}

CliTest::~CliTest() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

int CliTest::Cromt(std::vector<std::string> words) {
  out_.text.clear();
  err_.text.clear();
  Writer& out = screen_ ? static_cast<Writer&>(*screen_) : out_;
  Writer& err = screen_ ? static_cast<Writer&>(*screen_) : err_;
  const World world{.out = out,
                    .err = err,
                    .interrupts = interrupts_,
                    .clock = clock_,
                    .random = random_,
                    .out_is_terminal = terminal_,
                    .err_is_terminal = terminal_,
                    .input = input_,
                    .terminal_size = [this] { return screen_ ? screen_->size() : TerminalSize(); },
                    .variable = [this](const std::string& name) -> std::optional<std::string> {
                      const auto found = environment_.find(name);
                      return found == environment_.end() ? std::nullopt : std::optional(found->second);
                    },
                    .user = "alice",
                    .directory = directory_,
                    .boot = "boot1",
                    .retry_pause = milliseconds(1),
                    .system_socket = directory_ + "/system.sock"};
  Backends backends;
  backends.connect = [this](const CoordinatorTarget& target, Duration) -> Result<std::unique_ptr<Control>> {
    connected_.push_back(target.address);
    if (connect_error_) return tl::unexpected<Error>(*connect_error_);
    return std::make_unique<ForwardingControl>(control_);
  };
  backends.connect_access = [this](const CoordinatorTarget& target,
                                   Duration) -> Result<std::unique_ptr<AccessControl>> {
    access_targets_.push_back(target);
    if (!shown_authorities_.empty() && target.authorities_changed) target.authorities_changed(shown_authorities_);
    return std::make_unique<ForwardingAccess>(access_);
  };
  backends.fetch_authority = [this](const std::string& address, const std::string& fingerprint,
                                    Duration) -> Result<std::string> {
    fetched_ = address + " " + fingerprint;
    return "the authority";
  };
  backends.embed = [this](const EmbeddedOptions& options) -> Result<std::unique_ptr<LocalMesh>> {
    embedded_.push_back(options);
    if (on_embed_) on_embed_();
    return std::make_unique<EmbeddedFake>(control_);
  };
  backends.open_local = [this](const std::string&) { return std::make_unique<ForwardingControl>(control_); };
  return RunCli(words, backends, world);
}

std::string CliTest::File(const std::string& name, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
  std::ofstream(Path(name)) << text;
  return name;
}

std::string Golden(const std::string& name) {
  const char* source = std::getenv("CROMT_SOURCE");
  std::ifstream file(std::string(source ? source : ".") + "/tests/golden/cli/" + name);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name << " is missing or empty";
  return text.str();
}

}  // namespace cromt::cli
