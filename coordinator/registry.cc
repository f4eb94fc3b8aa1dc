#include "coordinator/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "coordinator/project_meaning.h"

namespace cromt {
namespace {

std::string OwnerOf(const ApplyRequest& request, const JobFile& job_file) {
  return job_file.name.empty() ? request.path : job_file.name;
}

}  // namespace

Status Registry::Restore(const StoredState& state, const Parse& parse) {
  revision_ = state.revision;
  auto catalog = std::make_shared<Catalog>();
  for (const StoredFile& stored : state.files) {  // oldest first
    auto job_file = parse(stored.path, stored.text);
    if (!job_file)
      return Fail(fmt::format("revision {} of {}, read from the store", stored.revision, stored.file),
                  job_file.error());
    files_[stored.file] = {stored.path, stored.revision, stored.text, *job_file};
    for (const std::string& project : stored.projects)
      if ((*job_file)->Find(project)) catalog->projects[project] = {stored.file, stored.revision, *job_file};
  }
  for (auto& [name, entry] : catalog->projects) entry.left = entry.revision < files_.at(entry.file).revision;
  for (const StoredApply& apply : state.applies)
    answers_[apply.request] = {.file = apply.file, .revision = apply.revision};
  catalog_ = std::move(catalog);
  return {};
}

Result<Registry::Decision> Registry::Decide(const ApplyRequest& request, const std::shared_ptr<const JobFile>& job_file,
                                            Wall now) const {
  if (auto known = answers_.find(request.request); known != answers_.end() && !request.request.empty())
    return Decision{known->second, std::nullopt};
  Decision decision;
  ApplyAnswer& answer = decision.answer;
  answer.file = OwnerOf(request, *job_file);
  auto before = files_.find(answer.file);
  answer.revision = before == files_.end() ? 0 : before->second.revision;
  if (request.if_revision && *request.if_revision != answer.revision)
    return Fail(ErrorCode::kConflict, fmt::format("{} is at revision {}, not {}: somebody has applied it since",
                                                  answer.file, answer.revision, *request.if_revision));
  for (const Project& project : job_file->projects) {
    auto owned = catalog_->projects.find(project.name);
    if (owned != catalog_->projects.end() && owned->second.file != answer.file)
      return Fail(ErrorCode::kConflict,
                  fmt::format("project '{}' belongs to {}; remove it there first, or choose another name", project.name,
                              owned->second.file));
  }
  const AppliedFile* old = before == files_.end() ? nullptr : &before->second;
  const bool same_text = old && old->text == request.text;
  ProjectChanges changes;
  if (!same_text) Compare(old, request.text, *job_file, changes);
  answer.added = changes.added;
  answer.changed = changes.changed;
  for (const auto& [name, entry] : catalog_->projects) {
    if (entry.file != answer.file || job_file->Find(name)) continue;
    answer.gone.push_back(name);
    if (request.prune)
      changes.removed.push_back(name);
    else if (old && old->job_file->Find(name))
      changes.gone.push_back(name);
  }
  if (request.dry_run || (same_text && changes.removed.empty())) return decision;

  answer.revision = revision_ + 1;
  FileApplied record{
      answer.file, request.path, answer.revision, request.text, request.author, request.request, now, changes, {}};
  for (const Project& project : job_file->projects) record.projects.push_back(project.name);
  if (!request.prune) record.projects.insert(record.projects.end(), answer.gone.begin(), answer.gone.end());
  decision.record = std::move(record);
  return decision;
}

// Of the projects in the new text: which are new in the file, and which mean something else than before.
void Registry::Compare(const AppliedFile* old, const std::string& text, const JobFile& job_file,
                       ProjectChanges& changes) {
  ProjectMeanings meanings;
  for (const Project& project : job_file.projects) {
    const Project* was = old ? old->job_file->Find(project.name) : nullptr;
    if (!was)
      changes.added.push_back(project.name);
    else if (meanings.Of({*old->job_file, old->text}, *was) != meanings.Of({job_file, text}, project))
      changes.changed.push_back(project.name);
  }
}

void Registry::Take(const FileApplied& record, std::shared_ptr<const JobFile> job_file) {
  revision_ = record.revision;
  auto next = std::make_shared<Catalog>(*catalog_);
  std::set<std::string> owned(record.projects.begin(), record.projects.end());
  std::erase_if(next->projects,
                [&](const auto& item) { return item.second.file == record.file && !owned.contains(item.first); });
  for (auto& [name, entry] : next->projects) entry.left |= entry.file == record.file;
  for (const Project& project : job_file->projects)
    next->projects[project.name] = {record.file, record.revision, job_file};
  files_[record.file] = {record.path, record.revision, record.text, std::move(job_file)};
  catalog_ = std::move(next);
  if (record.request.empty()) return;
  const auto& [added, changed, gone, removed] = record.changes;
  ApplyAnswer answer{
      .file = record.file, .revision = record.revision, .added = added, .changed = changed, .gone = gone};
  answer.gone.insert(answer.gone.end(), removed.begin(), removed.end());
  if (answers_.size() >= kRememberedApplies) answers_.erase(answers_.begin());
  answers_[record.request] = std::move(answer);
}

}  // namespace cromt
