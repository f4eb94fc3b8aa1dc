// Ids, names and the words of a task. What is accepted is what the rules say in other words; what is shown of anything
// can be shown; what was taken apart and put together again is the same.
#include <algorithm>

#include "base/name.h"
#include "base/time.h"
#include "core/action.h"
#include "core/agent_address.h"
#include "core/script.h"
#include "core/source_path.h"
#include "core/template.h"
#include "core/variables.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Letters, digits and what `more` holds.
bool ConsistsOf(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return IsDigit(c) || IsLetter(c) || more.find(c) != more.npos; });
}

void CheckNames(std::string_view text) {
  bool is_name = !text.empty() && text.size() <= 128 && ConsistsOf(text, "_.-") && text[0] != '.' && text[0] != '-';
  Require(IsName(text) == is_name, "a name is [A-Za-z0-9_][A-Za-z0-9._-]{0,127}", text);
  Require(CheckName("x", text).has_value() == is_name, "CheckName agrees with IsName", text);
  bool is_variable = !text.empty() && text.size() <= 128 && ConsistsOf(text, "_") && !IsDigit(text[0]);
  Require(IsVariableName(text) == is_variable, "a variable is [A-Za-z_][A-Za-z0-9_]*", text);
  Require(!CheckVariableName(text) || (is_variable && !text.starts_with("CROMT_")), "CROMT_ is ours", text);
  if (IsTitle(text)) {
    Require(text.size() <= kMaxTitleBytes, "a title is short", text);
    RequireShowable(text);
  }
  RequireShowable(Quote(text));
  Require(Quote(text).size() <= 100, "a quoted text is cut", text);
}

void CheckWords(std::string_view text) {
  auto action = ParseAction(text);
  if (!action) return RequireRefusal(action.error());
  for (const std::string& word : *action) {
    Require(!word.empty() && word[0] != '-' && word[0] != '/', "an action is no option and no absolute path", word);
    std::string path = "/" + word + "/";
    Require(path.find("/.") == path.npos && path.find("//") == path.npos, "an action stays below its folder", word);
    Require(word.find_first_of(" \t\n\r") == word.npos && word.find('\0') == word.npos, "an action is one word", word);
  }
}

void CheckScript(std::string_view text) {
  if (text.find('\0') != text.npos) return;
  auto argv = ScriptArgv(std::string(text));
  if (!argv) return;
  Require(!argv->empty(), "a script has a program", text);
  bool is_shell = argv->at(0) == "/bin/sh" && argv->size() >= 4 && argv->at(1) == "-e";
  if (is_shell && argv->back() == text) return;
  for (const std::string& word : *argv)
    Require(!word.empty() && ConsistsOf(word, "_./:=@%+,-"), "what skips the shell means the same without", text);
}

void CheckAddress(std::string_view text) {
  for (auto& address : {ParseAgentUrl(text), ParseAgentAddress(text)}) {
    if (!address) {
      RequireRefusal(address.error());
      continue;
    }
    auto again = ParseAgentAddress(ToString(*address));
    Require(again && *again == *address, "an address reads as it is written", text);
    Require(IsName(HostId(*address)) || HostId(*address).size() > kMaxNameBytes, "a host makes an id", text);
  }
}

void CheckSource(std::string_view text) {
  auto source = ParseSourcePath(text);
  if (!source) return RequireRefusal(source.error());
  Require(source->repository.empty() != source->directory.empty() || text.empty(), "a path is one of the two", text);
  Require(!text.starts_with('-'), "a path is no option", text);
  HasCredentials(text);
}

void CheckTexts(std::string_view text) {
  const TemplateScan scan = ScanTemplates(text);
  const std::string plain(text);
  if (text.find("${{") == text.npos)
    Require(Unescape(text) == plain && !scan.any() && !scan.malformed, "no template, no change", text);
  Require(Unescape(EscapeTemplates(text)) == plain, "what is escaped means itself", text);
  const Variables variables = {{"A", plain}, {"B", "<${{ vars.A }}>"}};
  TemplateFiller filler(variables);
  if (auto b = filler.Fill("${{ vars.B }}")) {
    FilledText a = filler.Fill(text).value();
    Require(b->text == "<" + a.text + ">" && b->gaps.size() == a.gaps.size(), "a value is put in whole", text);
    Require(!scan.params && !scan.malformed, "what can't be filled in is refused", text);
  } else {
    RequireRefusal(b.error());
  }
  if (auto duration = ParseDuration(text)) {
    Require(*duration >= Duration(0) && *duration <= std::chrono::hours(24 * 3660), "a duration is sane", text);
    RequireShowable(FormatDuration(*duration));
  }
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  std::string_view text = Text(data, size);
  CheckNames(text);
  CheckWords(text);
  CheckScript(text);
  CheckAddress(text);
  CheckSource(text);
  CheckTexts(text);
  return 0;
}
