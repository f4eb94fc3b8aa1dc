#include "cli/messages.h"

#include <algorithm>
#include <cctype>

#include "cli/clean_text.h"

namespace cromt::cli {
namespace {

// The number and colon at the front of `text`, which are taken off.
bool SkipNumber(std::string_view& text) {
  const auto end = std::find_if(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) == 0; });
  if (end == text.begin() || end == text.end() || *end != ':') return false;
  text.remove_prefix(static_cast<size_t>(end - text.begin()) + 1);
  return true;
}

// "jobs.yaml:3:5: error: …", as compilers write it; without position for the file as a whole.
bool IsDiagnostic(std::string_view line) {
  for (std::string_view severity : {": error: ", ": warning: ", ": note: "})
    if (const size_t at = line.find(severity); at != std::string_view::npos && at > 0 && line.find(' ') > at)
      return true;  // what is before it is one word, the file's name
  for (size_t colon = line.find(':'); colon != std::string_view::npos; colon = line.find(':', colon + 1)) {
    std::string_view rest = line.substr(colon + 1);
    if (colon > 0 && SkipNumber(rest) && SkipNumber(rest) && rest.starts_with(' ')) return true;
  }
  return false;
}

// Calls `each` with the lines of `text`; an empty text has none.
template <class Each>
void ForLines(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

void Messages::Say(std::string_view text) {
  if (!talkative_) return;
  std::string lines;
  ForLines(text, [&](std::string_view line) { lines.append(palette_.Dim("cromt:")).append(" ").append(line) += '\n'; });
  Pass(lines);
}

void Messages::Complain(std::string_view text) {
  std::string lines;
  ForLines(text, [&](std::string_view line) {
    if (!IsDiagnostic(line)) lines += "cromt: ";
    lines += Clean(line);
    lines += '\n';
  });
  Pass(lines);
}

void Messages::Warn(std::string_view text) {
  if (talkative_) Complain(IsDiagnostic(text) ? std::string(text) : "warning: " + std::string(text));
}

void Messages::Pass(std::string_view text) {
  MutexLock lock(mutex_);
  writer_.Write(text);
}

}  // namespace cromt::cli
