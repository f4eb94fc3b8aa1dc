#include "coordinator/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace cromt {
namespace {

std::string OwnerOf(const ApplyRequest& request, const JobFile& job_file) {
  return job_file.name.empty() ? request.path : job_file.name;
}

// One line for people: "+added ~changed -gone".
std::string DiffText(const ApplyAnswer& answer) {
  std::string text;
  auto add = [&](char sign, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (text.size() > 4000) return;  // the revision's text tells the rest
      if (!text.empty()) text += ' ';
      text += sign + name;
    }
  };
  add('+', answer.added);
  add('~', answer.changed);
  add('-', answer.gone);
  return text;
}

}  // namespace

Status Registry::Restore(const StoredState& state, const Parse& parse) {
  revision_ = state.revision;
  auto catalog = std::make_shared<Catalog>();
  for (const StoredFile& stored : state.files) {
    auto job_file = parse(stored.path, stored.text);
    if (!job_file)
      return Fail(fmt::format("revision {} of {}, read from the store", stored.revision, stored.file),
                  job_file.error());
    files_[stored.file] = {stored.path, stored.revision, stored.text, *job_file};
    for (const std::string& project : stored.projects)
      if ((*job_file)->Find(project)) catalog->projects[project] = {stored.file, stored.revision, *job_file};
  }
  catalog_ = std::move(catalog);
  return {};
}

Result<Registry::Decision> Registry::Decide(const ApplyRequest& request, const std::shared_ptr<const JobFile>& job_file,
                                            Wall now) const {
  if (auto known = answers_.find(request.request); known != answers_.end())
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
    if (owned == catalog_->projects.end())
      answer.added.push_back(project.name);
    else if (owned->second.file != answer.file)
      return Fail(ErrorCode::kConflict,
                  fmt::format("project '{}' belongs to {}; remove it there first, or choose another name", project.name,
                              owned->second.file));
  }
  bool same_text = before != files_.end() && before->second.text == request.text;
  for (const auto& [name, entry] : catalog_->projects) {
    if (entry.file != answer.file) continue;
    if (!job_file->Find(name))
      answer.gone.push_back(name);
    else if (!same_text)
      answer.changed.push_back(name);
  }
  bool nothing = same_text && (answer.gone.empty() || !request.prune);
  if (request.dry_run || nothing) return decision;

  answer.revision = revision_ + 1;
  FileApplied record{answer.file,  request.path,     answer.revision,
                     request.text, request.author,   request.request,
                     now,          DiffText(answer), {}};
  for (const Project& project : job_file->projects) record.projects.push_back(project.name);
  if (!request.prune) record.projects.insert(record.projects.end(), answer.gone.begin(), answer.gone.end());
  decision.record = std::move(record);
  return decision;
}

void Registry::Take(const FileApplied& record, std::shared_ptr<const JobFile> job_file) {
  revision_ = record.revision;
  auto next = std::make_shared<Catalog>(*catalog_);
  std::set<std::string> owned(record.projects.begin(), record.projects.end());
  std::erase_if(next->projects,
                [&](const auto& item) { return item.second.file == record.file && !owned.contains(item.first); });
  for (const Project& project : job_file->projects)
    next->projects[project.name] = {record.file, record.revision, job_file};
  files_[record.file] = {record.path, record.revision, record.text, std::move(job_file)};
  catalog_ = std::move(next);
  ApplyAnswer answer{.file = record.file, .revision = record.revision};
  constexpr size_t kRemembered = 1000;
  if (answers_.size() >= kRemembered) answers_.erase(answers_.begin());
  answers_[record.request] = std::move(answer);
}

}  // namespace cromt
