#include "agent/launcher/process_table.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string_view>

#include "agent/launcher/proc_file.h"

namespace cromt::launcher {
namespace {

std::string ReadOf(pid_t pid, const char* file) {
  return ReadProcFile(fmt::format("/proc/{}/{}", pid, file).c_str());
}

template <class Number>
std::optional<Number> Parse(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<ProcessInfo> ReadProcess(pid_t pid) {
  // "PID (NAME) STATE PARENT GROUP SESSION …"; NAME may hold anything, also blanks and parentheses.
  std::string text = ReadOf(pid, "stat");
  size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  ProcessInfo info;
  char state = 0;
  info.pid = pid;
  if (std::sscanf(text.c_str() + name_end + 1, " %c %d %d %d", &state, &info.parent, &info.group, &info.session) != 4)
    return std::nullopt;
  info.zombie = state == 'Z' || state == 'X';
  return info;
}

std::vector<ProcessInfo> ReadAllProcesses() {
  std::vector<ProcessInfo> all;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir("/proc"), closedir);
  if (!dir) return all;
  while (const dirent* entry = readdir(dir.get())) {
    std::optional<pid_t> pid = Parse<pid_t>(entry->d_name);
    if (!pid) continue;
    if (std::optional<ProcessInfo> info = ReadProcess(*pid)) all.push_back(*info);
  }
  return all;
}

std::optional<std::string> VariableOf(pid_t pid, std::string_view name) {
  std::string text = ReadOf(pid, "environ");
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find('\0'));
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return std::string(one.substr(name.size() + 1));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
  return std::nullopt;
}

std::string DescribeProcess(pid_t pid) {
  constexpr size_t kLongest = 80;
  std::string text = ReadOf(pid, "cmdline");
  if (text.empty()) text = ReadOf(pid, "comm");
  while (!text.empty() && (text.back() == '\0' || text.back() == '\n')) text.pop_back();
  if (text.size() > kLongest) text.resize(kLongest);
  for (char& c : text) {
    if (c == '\0') c = ' ';
    if (c < ' ' || c > '~') c = '?';
  }
  return text.empty() ? "?" : text;
}

pid_t LastPid() {
  // "0.20 0.18 0.12 1/80 11206\n"
  std::string text = ReadProcFile("/proc/loadavg");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  size_t blank = text.rfind(' ');
  if (blank == std::string::npos) return 0;
  return Parse<pid_t>(std::string_view(text).substr(blank + 1)).value_or(0);
}

}  // namespace cromt::launcher
