#include "agent/step/plugin/plugin_repository.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "agent/step/repository.h"
#include "agent/step/scratch.h"
#include "agent/step/staged_folder.h"
#include "agent/step/task/capture.h"
#include "agent/step/task/environment.h"
#include "agent/step/task/lines.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kMaxToolOutput = 64 << 10;

// Runs a program of the host to its end: what it printed.
Result<std::string> RunTool(ChildRunner& children, const std::vector<std::string>& argv, std::string_view package) {
  CaptureOutput capture;
  auto status = children.Run(argv, EnvironmentWith({}), capture, kMaxToolOutput);
  if (!status && status.error().code == ErrorCode::kNotFound)
    return Fail(ErrorCode::kInvalid, fmt::format("it needs {}: install {}", argv[0], package));
  if (!status) return Fail(argv[0], std::move(status).error());
  if (const int signal = children.stop_signal(); signal != 0)
    return Fail(ErrorCode::kUnavailable, fmt::format("stopped by signal {}", signal));
  if (status->signal != 0)
    return Fail(ErrorCode::kUnavailable, fmt::format("{} was killed by signal {}", argv[0], status->signal));
  if (status->exit_code == 0) return std::move(capture.out);
  std::string_view why = capture.err;
  why = why.substr(0, why.find_last_not_of(" \r\n") + 1);
  why = why.substr(why.rfind('\n') + 1);
  return Fail(ErrorCode::kUnavailable,
              why.empty() ? fmt::format("{} ended with {}", argv[0], status->exit_code) : std::string(why));
}

Status Download(ChildRunner& children, const std::string& url, const std::string& file, size_t max_bytes) {
  const int64_t limit = kDownloadLimit.count();
  auto done = RunTool(children,
                      {"curl",
                       "--fail",
                       "--silent",
                       "--show-error",
                       "--location",
                       "--globoff",
                       "--connect-timeout",
                       "20",
                       "--max-time",
                       std::to_string(limit),
                       "--max-filesize",
                       std::to_string(max_bytes),
                       "--proto",
                       "=http,https,file",
                       "--proto-redir",
                       "=http,https",
                       "--output",
                       file,
                       "--",
                       url},
                      "curl");
  if (!done) return Fail(url, std::move(done).error());
  struct stat info;
  // curl learns the size of what is sent in chunks only as it comes, and old versions don't look then.
  if (::stat(file.c_str(), &info) != 0 || static_cast<size_t>(info.st_size) > max_bytes)
    return Fail(ErrorCode::kExhausted, fmt::format("{}: more than {} bytes", url, max_bytes));
  return {};
}

Result<std::string> Sha256Of(ChildRunner& children, const std::string& file) {
  CROMT_ASSIGN(const std::string printed, RunTool(children, {"sha256sum", file}, "coreutils"));
  return printed.substr(0, printed.find(' '));
}

std::string ArchiveUrl(const std::string& url, const std::string& name, const std::string& version) {
  return fmt::format("{}/plugins/{}-v{}.tar.gz", url, name, version);
}

bool IsDirectory(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Of the line "NAME VERSION"; empty if there is none.
std::string VersionIn(std::string_view index, std::string_view name) {
  for (std::string_view line : Lines(index)) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') continue;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return std::string(line.substr(0, line.find_first_of(" \t\r")));
  }
  return "";
}

}  // namespace

Result<std::string> PluginRepository::Install(const std::string& name) {
  const auto found = pins_.plugins.find(name);
  if (found == pins_.plugins.end())
    return Fail(ErrorCode::kNotFound, fmt::format("plugin {} of {} is not pinned", Quote(name), pins_.url));
  const auto& [version, sha256] = found->second;
  std::string folder = fmt::format("{}-{}-{}", name, version, sha256);
  const std::string path = cache_ + "/" + folder;
  if (!cache_.empty() && IsDirectory(path)) return folder;
  CROMT_ASSIGN(StagedFolder staged, StagedFolder::Make(cache_));
  const std::string archive = staged.path() + "/archive.tar.gz", files = staged.path() + "/files";
  output_.Note(fmt::format("[repository] - installing {}, version {}", name, version));
  CROMT_TRY(Download(children_, ArchiveUrl(pins_.url, name, version), archive, kMaxPluginBytes));
  CROMT_ASSIGN(const std::string digest, Sha256Of(children_, archive));
  if (digest != sha256)
    return Fail(ErrorCode::kDenied, fmt::format("{} has the digest sha256:{}, which is not the one that is pinned",
                                                ArchiveUrl(pins_.url, name, version), digest));
  std::error_code error;
  std::filesystem::create_directory(files, error);
  if (error) return tl::unexpected(ErrnoError(Quote(files), error.value()));
  if (auto unpacked = RunTool(children_, {"tar", "-xzof", archive, "-C", files}, "tar and gzip"); !unpacked)
    return Fail(ArchiveUrl(pins_.url, name, version), std::move(unpacked).error());
  CROMT_TRY(staged.MoveTo("files", path, [&] { return IsDirectory(path); }));
  return folder;
}

Result<std::string> PinPlugins(const std::string& written_url, const std::vector<std::string>& names,
                               ChildRunner& children) {
  CROMT_ASSIGN(const std::string url, CheckRepositoryUrl(written_url));
  for (const std::string& name : names) CROMT_TRY(CheckName("the name of a plugin", name));
  Scratch scratch;
  CROMT_TRY(scratch.Make());
  const std::string file = scratch.path() + "/file", index_url = url + "/api/v1/index";
  CROMT_TRY(Download(children, index_url, file, kMaxIndexBytes));
  CROMT_ASSIGN(const std::string index, ReadFile(file, kMaxIndexBytes));
  std::string text = fmt::format("plugin_repository:\n  url: {}\n  plugins:\n", url);
  for (const std::string& name : names) {
    const std::string version = VersionIn(index, name);
    if (!IsName(version)) return Fail(ErrorCode::kNotFound, fmt::format("{} has no plugin {}", index_url, Quote(name)));
    CROMT_TRY(Download(children, ArchiveUrl(url, name, version), file, kMaxPluginBytes));
    CROMT_ASSIGN(const std::string digest, Sha256Of(children, file));
    text += fmt::format("    {}: {} sha256:{}\n", name, version, digest);
  }
  return text;
}

}  // namespace cromt::step
