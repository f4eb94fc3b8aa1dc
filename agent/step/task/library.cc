#include "agent/step/task/library.h"

#include <fmt/format.h>

#include "agent/step/task/library_texts.h"

namespace cromt::step {
namespace {

// For bash: name NUL value NUL …
std::string NulPairs(const Map& map) {
  std::string out;
  for (const auto& [path, value] : DottedPaths(map)) {
    out.append(path).push_back('\0');
    out.append(value).push_back('\0');
  }
  return out;
}

std::string OneLine(std::string_view text) {
  std::string line;
  for (char c : text) {
    if (c == '\\') {
      line += "\\\\";
    } else if (c == '\n') {
      line += "\\n";
    } else {
      line += c;
    }
  }
  return line + '\n';
}

// For sh, which can't read NULs: a line with the name, a line with the value, …
std::string LinePairs(const Map& map) {
  std::string out;
  for (const auto& [path, value] : DottedPaths(map)) out += OneLine(path) + OneLine(value);
  return out;
}

struct LibraryFile {
  std::string_view name;
  std::string_view text;
};

LibraryFile FileOf(Language language) {
  switch (language) {
    case Language::kRaku: return {"sparrow6lib.rakumod", kLibraryRaku};
    case Language::kPerl: return {"sparrow6lib.pm", kLibraryPerl};
    case Language::kBash: return {"sparrow6lib.bash", kLibraryBash};
    case Language::kSh: return {"sparrow6lib.sh", kLibrarySh};
    case Language::kGo: return {};
    case Language::kRuby: return {"sparrow6lib.rb", kLibraryRuby};
    case Language::kPython: return {"sparrow6lib.py", kLibraryPython};
    case Language::kPowershell: return {"sparrow6lib.psm1", kLibraryPowershell};
    case Language::kPhp: return {"sparrow6lib.php", kLibraryPhp};
  }
  return {};
}

std::string ShellForm(Language language, const Map& map) {
  return language == Language::kSh ? LinePairs(map) : NulPairs(map);
}

// $1: the program's file, $2: what it is built to. An imported module is found by the go.mod above the file. Go's own
// cache makes it quick where nothing has changed.
constexpr const char* kBuildAndRunGo =
    "if ! command -v go >/dev/null; then echo \"${1##*/} needs go, which is not installed; install golang-go\" >&2; "
    "exit 127; fi\n"
    "(cd \"${1%/*}\" && exec go build -o \"$2\" \"$1\") && exec \"$2\"";

}  // namespace

Status WriteLibrary(Scratch& scratch, const std::string& relative, Language language) {
  const LibraryFile file = FileOf(language);
  return file.name.empty() ? Status{} : scratch.Write(fmt::format("{}/{}", relative, file.name), file.text);
}

Status WriteParameters(Scratch& scratch, const std::string& relative, Language language, const Places& places,
                       const Map& config, const Map& variables) {
  if (language == Language::kBash || language == Language::kSh) {
    CROMT_TRY(scratch.Write(relative + "/config", ShellForm(language, config)));
    return scratch.Write(relative + "/variables", ShellForm(language, variables));
  }
  CROMT_TRY(scratch.Write(relative + "/variables.json", JsonText(variables)));
  return scratch.Write(relative + "/places.json",
                       JsonText({{"root_dir", Value{places.root}}, {"task_dir", Value{places.directory}}}));
}

std::vector<std::string> CommandFor(Language language, const std::string& file, const Places& places) {
  const std::string program(FactsOf(language).program);
  const std::string library = fmt::format("{}/{}", places.libraries, FileOf(language).name);
  switch (language) {
    case Language::kBash:
    case Language::kSh: return {program, library, places.root, places.directory, file};
    case Language::kPython: return {program, file};
    case Language::kPerl: return {program, "-I", places.libraries, "-I", places.root + "/lib", "-Msparrow6lib", file};
    case Language::kRuby:
      return {program, "-I", places.libraries, "-I", places.root + "/lib", "-r", "sparrow6lib", file};
    case Language::kPhp: return {program, "-d", "auto_prepend_file=" + library, file};
    case Language::kRaku:
      return {program, "-I", places.libraries, "-I", places.root + "/lib", "-M", "sparrow6lib", file};
    case Language::kPowershell:
      return {program,
              "-NoLogo",
              "-NonInteractive",
              "-NoProfile",
              "-OutputFormat",
              "Text",
              "-Command",
              "& { param($library, $file) $global:ErrorActionPreference = 'Stop'; Import-Module $library; . $file }",
              "-args",
              library,
              file};
    case Language::kGo: return {"/bin/sh", "-c", kBuildAndRunGo, "sh", file, places.cache + "/program"};
  }
  return {};
}

}  // namespace cromt::step
