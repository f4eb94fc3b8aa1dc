#include "agent/container/visit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>

#include "agent/container/bring_back.h"
#include "agent/container/relay.h"
#include "base/unique_fd.h"
#include "io/archive/extract.h"
#include "io/archive/packer.h"
#include "io/process/data_dir.h"

namespace cromt::container {
namespace {

constexpr char kRoot[] = "0";
constexpr int kRecordsFd = 3;
constexpr int kNobody = 3;          // as cromt-step has it
constexpr int kSignalPauseMs = 20;  // until a process that is being made is there
constexpr int kMostSignalTries = 50;
constexpr int kEnginePauseMs = 100;  // while an engine is away, or about to say that a container has ended
constexpr int kMostEndTries = 20;
constexpr size_t kMostSaid = 4096;  // of what our own helper says

ExecOrder Inside(const std::string& place, std::vector<std::string> words, const std::string& user) {
  words.insert(words.begin(), {place + "/step", "--inside"});
  return {.argv = std::move(words), .env = {}, .directory = "/", .user = user};
}

struct Said {
  int code = 0;
  std::string out, err;
};

// Of a call that prints little.
Result<Said> Ask(ContainerEngine& engine, const std::string& container, const ExecOrder& order) {
  Said said;
  CROMT_ASSIGN(said.code, engine.Exec(container, order, [&](int stream, std::string_view bytes) {
    std::string& to = stream == STDOUT_FILENO ? said.out : said.err;
    to += bytes.substr(0, kMostSaid - std::min(kMostSaid, to.size()));
    return true;
  }));
  while (said.err.ends_with('\n')) said.err.pop_back();
  return said;
}

struct PipeEnds {
  UniqueFd read, write;
};
Result<PipeEnds> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected<Error>(ErrnoError("can't make a pipe", errno));
  return PipeEnds{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Status WriteTo(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("writing an archive", errno));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

// What `pack` writes is unpacked below `directory` of the container as it comes.
Status Upload(ContainerEngine& engine, const std::string& container, const std::string& directory,
              const std::atomic<bool>& stopping, const std::function<Status(const ByteSink&)>& pack) {
  CROMT_ASSIGN(PipeEnds pipe, MakePipe());
  Status packed;
  std::atomic<bool> failed = false;
  std::thread packer([&] {
    packed = pack([&](std::string_view bytes) { return WriteTo(pipe.write.get(), bytes); });
    failed = !packed;
    pipe.write.reset();
  });
  const Status put = engine.PutArchive(container, directory, [&](char* to, size_t room) -> std::optional<size_t> {
    ssize_t n = -1;
    do {
      n = ::read(pipe.read.get(), to, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0 || stopping || (n == 0 && failed)) return std::nullopt;
    return static_cast<size_t>(n);
  });
  pipe.read.reset();
  packer.join();
  if (!put && (put.error().code != ErrorCode::kCanceled || packed)) return put;
  return packed;
}

Status AddFile(ArchiveWriter& archive, const std::string& file, const std::string& as) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return tl::unexpected<Error>(ErrnoError(file, errno));
  CROMT_TRY(archive.Add({as, EntryKind::kExecutable, {}, info.st_size}));
  return archive::CopyFile(fd.get(), file, info, [&](std::string_view bytes) { return archive.Data(bytes); });
}

Status PutPlace(ContainerEngine& engine, const VisitNote& note, const std::string& script,
                const std::atomic<bool>& stopping) {
  return Upload(engine, note.container, "/", stopping, [&](const ByteSink& sink) -> Status {
    ArchiveWriter archive(sink);
    const std::string place = note.place.substr(1);
    CROMT_TRY(archive.Add({place, EntryKind::kDirectory, {}, 0}));
    CROMT_TRY(AddFile(archive, note.step, place + "/step"));
    if (!script.empty()) CROMT_TRY(AddFile(archive, script, place + "/script"));
    return archive.Finish();
  });
}

}  // namespace

Visit::Visit(ContainerEngine& engine, EntryOrder order, bool records, std::string box, ContainerState state,
             const std::atomic<bool>& stopping, std::function<void(const std::string&)> say)
    : engine_(engine),
      address_(engine.address()),
      order_(std::move(order)),
      records_(records),
      box_(std::move(box)),
      state_(std::move(state)),
      stopping_(stopping),
      say_(std::move(say)) {}

Status Visit::NotStopped() const {
  return stopping_ ? Status(Fail(ErrorCode::kCanceled, "stopped before the job began")) : Status();
}

Status Visit::Prepare() {
  if (!order_.refusal.empty()) return Fail(ErrorCode::kDenied, order_.refusal);
  if (state_.read_only)
    return Fail(ErrorCode::kDenied,
                fmt::format("the root of the container {} is read-only, so that nothing can be put there that a job "
                            "needs; 'image' instead of 'docker' means a fresh container",
                            order_.name));
  const VisitNote note{state_.id, order_.place, order_.user, order_.mark, order_.step};
  CROMT_TRY(WriteFileAtomic(VisitPath(box_), ToJson(note)));
  CROMT_ASSIGN(const bool left, engine_.HasPath(state_.id, order_.place));
  if (left) CROMT_TRY(CleanUp(engine_, note, true));
  CROMT_TRY(CanRun());
  const auto context = [&](const Error& error) {
    return Fail(fmt::format("nothing can be put into the container {}", order_.name), error);
  };
  if (auto put = PutPlace(engine_, note, order_.script, stopping_); !put) return context(put.error());
  CROMT_TRY(NotStopped());
  CROMT_ASSIGN(const ArchiveOwner owner, Owner());
  if (auto put = PutWorkspace(owner); !put) return context(put.error());
  return NotStopped();
}

Status Visit::CanRun() {
  const std::string& program = order_.argv.front();
  if (!program.starts_with('/') || program.starts_with(order_.place + "/")) return {};
  CROMT_ASSIGN(const bool has, engine_.HasPath(state_.id, program));
  if (has) return {};
  return Fail(ErrorCode::kNotFound,
              fmt::format("the container {} has no {}, which this job needs", order_.name, program));
}

Result<ArchiveOwner> Visit::Owner() {
  CROMT_ASSIGN(const Said said, Ask(engine_, state_.id, Inside(order_.place, {"id"}, order_.user)));
  ArchiveOwner owner;
  const char* end = said.out.data() + said.out.size();
  const auto user = std::from_chars(said.out.data(), end, owner.user);
  if (said.code == 0 && user.ec == std::errc() && user.ptr != end &&
      std::from_chars(user.ptr + 1, end, owner.group).ec == std::errc())
    return owner;
  return Fail(ErrorCode::kInvalid, fmt::format("no program of ours can be run in the container {}: {}", order_.name,
                                               said.err.empty() ? said.out : said.err));
}

Status Visit::PutWorkspace(const ArchiveOwner& owner) {
  const UniqueFd root(::open(order_.workspace.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return tl::unexpected<Error>(ErrnoError(order_.workspace, errno));
  const std::string top = "workspace/";
  return Upload(engine_, state_.id, order_.place, stopping_, [&](const ByteSink& sink) -> Status {
    archive::Packer packer(
        root.get(), sink, owner,
        {.packed =
             [&](const std::string& path) {
               if (path.size() > top.size()) sent_.push_back(path.substr(top.size()));
             },
         .left_out = [&](const std::string&, const Error& why) { say_("left out of the container: " + why.message); }});
    CROMT_TRY(packer.Add(".", "workspace"));
    return packer.Finish();
  });
}

Result<int> Visit::Run() {
  ExecOrder order = Inside(order_.place, {"enter", order_.place, records_ ? "1" : "0"}, order_.user);
  order.argv.insert(order.argv.end(), order_.argv.begin(), order_.argv.end());
  order.env = order_.env;
  order.directory = order_.place + "/workspace";
  inside_ = true;  // before the question whether to stop: who comes later finds it
  if (stopping_) inside_ = false;
  CROMT_TRY(NotStopped());
  const auto code = engine_.Exec(state_.id, order, [&](int stream, std::string_view bytes) {
    WriteAll(stream == STDERR_FILENO ? STDERR_FILENO : records_ ? kRecordsFd : STDOUT_FILENO, bytes);
    return true;
  });
  inside_ = false;
  if (!code) return tl::unexpected<Error>(WhyEnded(code.error()));
  // So a job ends that kills itself, and so cromt-step does, too, when it is killed with the container or by the job.
  constexpr int kKilled = 128 + SIGKILL;
  clean_end_ = *code != kKilled;
  if (clean_end_) return code;
  const auto answer = Ask(engine_, state_.id, Inside(order_.place, {"id"}, kRoot));
  if (answer && answer->code == 0) return code;
  return tl::unexpected<Error>(WhyEnded({ErrorCode::kConflict, "it runs no process any more"}));
}

bool Visit::IsGone(const Result<ContainerState>& now) const {
  if (!now) return now.error().code == ErrorCode::kNotFound;
  return !now->running || now->started_at != state_.started_at;
}

// Who asks for a process in a container that is about to end is refused a moment before it has.
Error Visit::WhyEnded(const Error& error) {
  const bool ending = error.code == ErrorCode::kConflict || error.code == ErrorCode::kInvalid;
  for (int tries = 0;; ++tries) {
    const auto now = engine_.Inspect(state_.id);
    if (IsGone(now))
      return {ErrorCode::kConflict, fmt::format("the container {} was stopped while the job ran in it", order_.name)};
    const bool away = !now && now.error().code == ErrorCode::kUnavailable;
    if (stopping_ || (!away && (!ending || tries >= kMostEndTries))) break;
    ::poll(nullptr, 0, kEnginePauseMs);
  }
  if (error.code != ErrorCode::kUnavailable)
    return Error{error.code, fmt::format("the container {}: {}", order_.name, error.message)};
  return {error.code, fmt::format("the container engine went away while the job ran in the container {}, and has lost "
                                  "sight of it; what ran was stopped",
                                  order_.name)};
}

Status Visit::BringBack() {
  std::error_code ignored;
  std::filesystem::remove_all(BackPath(box_), ignored);
  if (::mkdir(BackPath(box_).c_str(), 0700) != 0)
    return tl::unexpected<Error>(ErrnoError("can't make " + BackPath(box_), errno));
  CROMT_ASSIGN(PipeEnds pipe, MakePipe());
  Result<Extracted> extracted;
  std::thread extractor([&] {
    extracted = ExtractArchive(pipe.read.get(), BackPath(box_));
    pipe.read.reset();
  });
  std::string said;
  const auto code = engine_.Exec(state_.id, Inside(order_.place, {"pack", order_.place}, kRoot),
                                 [&](int stream, std::string_view bytes) {
                                   if (stopping_) return false;
                                   if (stream == STDOUT_FILENO) return WriteTo(pipe.write.get(), bytes).has_value();
                                   said += bytes.substr(0, kMostSaid - std::min(kMostSaid, said.size()));
                                   return true;
                                 });
  pipe.write.reset();
  extractor.join();
  CROMT_TRY(NotStopped());
  const std::string what = fmt::format("the workspace can't be brought back out of the container {}", order_.name);
  if (code && *code != 0) return Fail(ErrorCode::kInternal, fmt::format("{}: {}", what, said));
  if (!extracted) return Fail(what, extracted.error());
  if (!code) return Fail(what, code.error());
  for (size_t end = said.find('\n'); end != said.npos; end = said.find('\n')) {
    say_("left in the container: " + said.substr(0, end));
    said.erase(0, end + 1);
  }
  return container::BringBack(BackPath(box_), order_.workspace, sent_);
}

void Visit::Signal(int signal) {
  auto engine = ContainerEngine::At(address_);  // a connection of its own: the other one is busy
  if (!engine) return;
  const ExecOrder order = Inside(order_.place, {"signal", order_.place, order_.mark, std::to_string(signal)}, kRoot);
  for (int tries = 0; inside_ && tries < kMostSignalTries; ++tries) {
    const auto said = Ask(*engine, state_.id, order);
    if (!said || said->code != kNobody) return;
    ::poll(nullptr, 0, kSignalPauseMs);
  }
}

Status Visit::Leave() {
  return CleanUp(engine_, {state_.id, order_.place, order_.user, order_.mark, order_.step}, !clean_end_);
}

Status Visit::CleanUp(ContainerEngine& engine, const VisitNote& note, bool thorough) {
  const auto state = engine.Inspect(note.container);
  if (!state && state.error().code == ErrorCode::kNotFound) return {};
  if (!state) return tl::unexpected<Error>(state.error());
  if (!state->running) return {};
  CROMT_ASSIGN(const bool there, engine.HasPath(note.container, note.place));
  if (!there) return {};
  const ExecOrder remove = Inside(note.place, {"remove", note.place, note.mark}, kRoot);
  // Whose environment root may not read its own user may.
  if (thorough)
    (void)Ask(engine, note.container,
              Inside(note.place, {"signal", note.place, note.mark, std::to_string(SIGKILL)}, note.user));
  auto removed = Ask(engine, note.container, remove);
  if (removed && removed->code == 0) return {};
  // Half of it was put there.
  static const std::atomic<bool> kGoOn = false;
  CROMT_TRY(PutPlace(engine, note, "", kGoOn));
  CROMT_ASSIGN(removed, Ask(engine, note.container, remove));
  if (removed->code == 0) return {};
  return Fail(ErrorCode::kInternal,
              fmt::format("what the job left in the container {} can't be removed: {}", state->name, removed->err));
}

}  // namespace cromt::container
