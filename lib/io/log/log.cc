#include "io/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace cromt::log {

void Init(const std::string& program) {
  auto logger = spdlog::stderr_logger_mt(program);
  logger->set_pattern(std::getenv("JOURNAL_STREAM") ? "%l: %v" : "%Y-%m-%d %H:%M:%S.%e %n %l: %v");
  spdlog::set_default_logger(std::move(logger));
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
