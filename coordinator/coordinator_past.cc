// What a coordinator lets go of, and how it heeds its disk.
#include <fmt/format.h>

#include "base/size.h"
#include "coordinator/coordinator.h"
#include "coordinator/question.h"

namespace cromt {
namespace {

std::string WhyNothingStarts(const DiskWatch::Told& told) {
  if (told.state != DiskState::kCritical) return {};
  return "the coordinator's disk is nearly full, and no run is started until there is room: " + told.text;
}

}  // namespace

void Coordinator::LetThePastGo() {
  if (!options_.retention) return;
  Retainer::Edges edges;
  edges.keep = [this](const std::string& project) -> std::optional<int64_t> {
    const auto catalog = engine_->catalog();
    const auto entry = catalog->projects.find(project);
    const Project* known = entry == catalog->projects.end() ? nullptr : entry->second.job_file->Find(project);
    if (!known || !known->keep) return std::nullopt;
    return std::max<int64_t>(1, *known->keep);  // the newest stays in any case; 0 would be no bound
  };
  edges.remove = [this](std::vector<Record> records) -> Status {
    return Question<RunId>([&](auto answer) {
             return engine_input::LetGo{std::move(records), std::move(answer)};
           })
        .map([](const RunId&) {});
  };
  edges.warn = options_.warn;
  edges.note = [this](const std::string& what) {
    if (options_.warn) options_.warn(what);
  };
  retainer_ = std::make_unique<Retainer>(Retainer::Options{.retention = *options_.retention,
                                                           .store_path = dir_->File("store.db"),
                                                           .now = [this] { return clock_.Read().wall; }},
                                         *logs_, *blobs_, std::move(edges));
}

void Coordinator::WatchDisk() {
  if (!options_.disk_guard) return;
  disk_ = std::make_unique<DiskWatch>(options_.data_dir, *options_.disk_guard, [this](const DiskWatch::Told& told) {
    const std::string why = WhyNothingStarts(told);
    if (options_.warn)
      options_.warn(!why.empty()                        ? why
                    : told.state == DiskState::kWarning ? "the coordinator's disk is filling up: " + told.text
                                                        : "the coordinator's disk has room again");
    MutexLock lock(mutex_);
    nearly_full_ = why;
    if (on_held_ && held_.empty()) on_held_(nearly_full_);
  });
}

Status Coordinator::MayStartNow() {
  const std::string why = disk_ ? WhyNothingStarts(disk_->Look()) : "";
  if (why.empty()) return {};
  return cromt::Fail(ErrorCode::kExhausted, why);
}

Status Coordinator::OutputIsKept(const RunId& run) {
  CROMT_ASSIGN(const auto gone, WithReader([&](StoreReader& reader) { return reader.OutputGone(run); }));
  if (!gone) return {};
  return cromt::Fail(ErrorCode::kNotFound, fmt::format("the output of run {} ({}) was removed on {}: {}", run.text(),
                                                       FormatSize(gone->bytes), FormatRfc3339(gone->at), gone->why));
}

}  // namespace cromt
