#include "agent/step/task/dependencies.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <fstream>

#include "agent/step/staged_folder.h"
#include "agent/step/task/lines.h"
#include "agent/step/task/task_dir.h"
#include "base/name.h"

namespace cromt::step {
namespace {

// Beside the modules: the text that they were installed for.
constexpr std::string_view kCopy = ".cromt-file";

std::vector<std::string> ArgvForPython(const std::string& file, const std::string&, const std::string& to) {
  return {"python3",    "-m",       "pip", "install", "--quiet", "--disable-pip-version-check",
          "--no-input", "--target", to,    "-r",      file};
}

std::vector<std::string> ArgvForPerl(const std::string& file, const std::string&, const std::string& to) {
  return {"cpanm", "--quiet", "--notest", "-L", to, "--installdeps", DirName(file)};
}

std::vector<std::string> ArgvForRuby(const std::string&, const std::string&, const std::string&) {
  return {"bundle", "install", "--quiet"};
}

std::vector<std::string> ArgvForRaku(const std::string&, const std::string& text, const std::string& to) {
  std::vector<std::string> argv = {"zef", "install", "--/test", "--to=inst#" + to};
  for (std::string_view line : Lines(text)) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    argv.emplace_back(line.substr(begin, line.find_last_not_of(" \t") + 1 - begin));
  }
  return argv;
}

// Not of a hash's strength: the kept copy says whether it is the same text.
std::string KeyOf(std::string_view kind, const std::string& text) {
  const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  return fmt::format("{}-{:08x}-{}", kind, crc, text.size());
}

bool IsFor(const std::string& path, const std::string& text) {
  auto kept = ReadFile(fmt::format("{}/{}", path, kCopy), kMaxDependencyBytes);
  return kept && *kept == text;
}

}  // namespace

struct Dependencies::Kind {
  std::string_view name;  // of its folders in the cache
  std::string_view file;
  std::string_view package;  // that has the installer
  std::vector<std::string> (*argv)(const std::string& file, const std::string& text, const std::string& to);
};

std::span<const Dependencies::Kind> Dependencies::Kinds() {
  static constexpr std::array<Kind, 4> kKinds = {{{"python", "requirements.txt", "python3-pip", ArgvForPython},
                                                  {"perl", "cpanfile", "cpanminus", ArgvForPerl},
                                                  {"ruby", "Gemfile", "ruby-bundler", ArgvForRuby},
                                                  {"raku", "rakufile", "raku-zef", ArgvForRaku}}};
  return kKinds;
}

Result<Dependencies::Outcome> Dependencies::Install(const Repository& repository, const std::string& root,
                                                    const std::string& name) {
  Outcome outcome;
  for (const Kind& kind : Kinds()) {
    const std::string file = Join(root, kind.file);
    CROMT_ASSIGN(const bool found, repository.IsFile(file));
    if (!found) continue;
    CROMT_ASSIGN(const std::string text, repository.Read(file, kMaxDependencyBytes));
    const std::string path = fmt::format("{}/{}", cache_, KeyOf(kind.name, text));
    if (!IsFor(path, text)) {
      CROMT_ASSIGN(outcome.exit_code, Make(kind, repository.Absolute(file), text, path, name));
      if (outcome.exit_code != 0) return outcome;
    }
    outcome.installed.push_back({kind.file, path});
  }
  return outcome;
}

Result<int> Dependencies::Make(const Kind& kind, const std::string& file, const std::string& text,
                               const std::string& final_path, const std::string& name) {
  if (const int signal = children_.stop_signal(); signal != 0) return 128 + signal;
  auto staged = StagedFolder::Make(cache_);
  if (!staged) return Fail(Quote(file), std::move(staged).error());
  const std::string& path = staged->path();
  output_.Put(TaskBegan{fmt::format("{} - {}", kind.file, name)});
  const auto argv = kind.argv(file, text, path);
  auto status = children_.Run(argv, EnvironmentWith({{"BUNDLE_GEMFILE", file}, {"BUNDLE_PATH", path}}), output_);
  TaskEnded ended{.name = name};
  if (status) {
    ended.exit_code = status->exit_code;
    ended.signal = status->signal;
  } else {
    ended.exit_code = status.error().code == ErrorCode::kNotFound ? 127 : 126;
    output_.Note(fmt::format("{} needs {}, which can't be started: {}; install {}", kind.file, argv[0],
                             status.error().message, kind.package));
  }
  output_.Put(ended);
  if (ended.signal != 0) return 128 + ended.signal;
  if (ended.exit_code != 0) return ended.exit_code;
  std::ofstream(fmt::format("{}/{}", path, kCopy), std::ios::binary) << text;
  if (!IsFor(path, text)) return Fail(ErrorCode::kExhausted, Quote(path) + ": can't be written");
  CROMT_TRY(staged->MoveTo(".", final_path, [&] { return IsFor(final_path, text); }));
  return 0;
}

std::vector<SearchPath> SearchPathsOf(const Installed& installed) {
  const auto& [file, path] = installed;
  if (file == "requirements.txt") return {{"PYTHONPATH", path}, {"PATH", path + "/bin"}};
  if (file == "cpanfile") return {{"PERL5LIB", path + "/lib/perl5"}, {"PATH", path + "/bin"}};
  if (file == "rakufile") return {{"RAKULIB", "inst#" + path, ','}, {"PATH", path + "/bin"}};
  return {};
}

}  // namespace cromt::step
