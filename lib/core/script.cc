#include "core/script.h"

#include <algorithm>
#include <string_view>

namespace cromt {
namespace {

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_./:=@%+,- \t").find(c) != std::string_view::npos;
}

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  for (size_t begin = line.find_first_not_of(" \t"); begin != line.npos; begin = line.find_first_not_of(" \t", begin)) {
    size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    words.emplace_back(line.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

bool NamesFile(const std::string& word) {
  size_t slash = word.find('/');
  return slash != std::string::npos && word.find('=') > slash;
}

}  // namespace

std::optional<std::vector<std::string>> ScriptArgv(const std::string& text) {
  if (text.size() > kMaxInlineScriptBytes || text.starts_with("#!")) return std::nullopt;
  std::string_view line = text;
  line = line.substr(0, line.find_last_not_of('\n') + 1);
  if (std::all_of(line.begin(), line.end(), IsPlain)) {
    std::vector<std::string> words = Words(line);
    if (!words.empty() && NamesFile(words[0])) return words;
  }
  if (text.starts_with('-') || text.starts_with('+')) return {{"/bin/sh", "-e", "-c", "--", text}};
  return {{"/bin/sh", "-e", "-c", text}};
}

}  // namespace cromt
