#include "io/log/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "io/log/journal.h"

namespace cromt::log {
namespace {

// As syslog(3) has them.
int Priority(spdlog::level::level_enum level) {
  return level >= spdlog::level::err ? 3 : level == spdlog::level::warn ? 4 : 6;
}

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit JournalSink(const std::string& program)
      : always_{{"SYSLOG_IDENTIFIER", program}, {"CROMT_PROGRAM", program}} {}

  void Always(Field field) {
    const std::lock_guard lock(mutex_);
    always_.push_back(std::move(field));
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::vector<Field> fields = always_;
    const std::string text(message.payload.data(), message.payload.size());
    const std::string priority = std::to_string(Priority(message.level));
    fields.emplace_back("PRIORITY", priority);
    fields.emplace_back("MESSAGE", text);
    if (journal_.Write(fields)) return;
    const std::string line = "<" + priority + ">" + text + "\n";  // the same by its stream, without the fields
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
  }
  void flush_() override {}

 private:
  Journal journal_;
  std::vector<Field> always_;
};

std::shared_ptr<JournalSink> g_journal;  // null: stderr is none

}  // namespace

void Init(const std::string& program) {
  std::shared_ptr<spdlog::logger> logger;
  if (IsJournal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"))) {
    g_journal = std::make_shared<JournalSink>(program);
    logger = std::make_shared<spdlog::logger>(program, g_journal);
  } else {
    logger = spdlog::stderr_logger_mt(program);
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %n %l: %v");
  }
  spdlog::set_default_logger(std::move(logger));
}
void Always(const std::string& name, const std::string& value) {
  if (g_journal) g_journal->Always({name, value});
}
void Info(const std::string& message) {
  spdlog::info("{}", message);
}
void Warn(const std::string& message) {
  spdlog::warn("{}", message);
}
void Error(const std::string& message) {
  spdlog::error("{}", message);
}

}  // namespace cromt::log
