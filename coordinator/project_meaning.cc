#include "coordinator/project_meaning.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

// With its length in front, so that no two descriptions are the same by accident.
void Put(std::string_view text, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{}:{};", text.size(), text);
}
void PutNumber(int64_t number, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{};", number);
}
template <class T, class PutIt>
void PutOptional(const std::optional<T>& value, const PutIt& put, std::string& out) {
  out += value ? '+' : '-';
  if (value) put(*value);
}
void PutOptional(const std::optional<Duration>& value, std::string& out) {
  PutOptional(
      value, [&](Duration d) { PutNumber(d.count(), out); }, out);
}
template <class T>
void PutOptional(const std::optional<T>& value, std::string& out) {
  PutOptional(
      value, [&](T number) { PutNumber(number, out); }, out);
}

// Their order is that of the file and means nothing.
void Put(const Variables& variables, std::string& out) {
  std::vector<const std::pair<std::string, std::string>*> sorted;
  sorted.reserve(variables.size());
  for (const auto& variable : variables) sorted.push_back(&variable);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  for (const auto* variable : sorted) {
    Put(variable->first, out);
    Put(variable->second, out);
  }
}

void Put(const Source& source, std::string& out) {
  // What a run resolves later is not the file's.
  const auto& [directory, repository, ref, commit, branch, tree] = source;
  Put(directory, out);
  Put(repository, out);
  Put(ref, out);
}

void Put(const SilencePolicy& silence, std::string& out) {
  const auto& [unreachable, skip_unreachable, lost, retry_lost] = silence;
  PutNumber(unreachable.count(), out);
  PutNumber(skip_unreachable, out);
  PutNumber(lost.count(), out);
  PutNumber(retry_lost, out);
}

void Put(const Schedule& schedule, std::string& out) {
  const auto& [crontab, cron, timezone, catch_up, overlap, splay] = schedule;  // `cron` is what `crontab` says
  Put(crontab, out);
  Put(timezone, out);
  Put(ToString(catch_up), out);
  Put(ToString(overlap), out);
  PutNumber(splay.count(), out);
}

void Put(const PushTrigger& push, std::string& out) {
  const auto& [poll, interval, hook_secret, overlap] = push;
  PutNumber(poll, out);
  PutNumber(interval.count(), out);
  Put(hook_secret, out);
  Put(ToString(overlap), out);
}

void Put(const Pool& pool, std::string& out) {
  const auto& [at, labels, count] = pool;
  for (const auto& [name, value] : labels) {
    Put(name, out);
    Put(value, out);
  }
  PutOptional(count, out);
}

void Put(const Artifacts& artifacts, std::string& out) {
  const auto& [ins, outs] = artifacts;
  for (const ArtifactIn& one : ins) {
    const auto& [at, name, all_hosts] = one;
    Put(name, out);
    PutNumber(all_hosts, out);
  }
  out += '|';
  for (const ArtifactOut& one : outs) {
    const auto& [name, path] = one;
    Put(name, out);
    Put(path, out);
  }
}

std::vector<size_t> LineStarts(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t i = text.find('\n'); i != std::string_view::npos; i = text.find('\n', i + 1)) starts.push_back(i + 1);
  return starts;
}

}  // namespace

// The structured bindings name every member: who adds one has to say here what it means.

void ProjectMeanings::Describe(const Overrides& set, std::string& out) {
  const auto& [action, options, vars, url, url_template, title, lane, timeout, grace, retries, retry_delay,
               retry_backoff, container, secrets] = set;
  for (const std::string& word : action) Put(word, out);
  out += '|';
  Put(options, out);
  if (vars) Put(*vars, out);
  out += '|';
  PutOptional(
      url, [&](const AgentAddress& address) { Put(ToString(address), out); }, out);
  Put(url_template, out);
  Put(title, out);
  PutOptional(
      lane,
      [&](const LaneChoice& choice) {
        const auto& [name, per_agent] = choice;
        Put(name, out);
        PutNumber(per_agent, out);
      },
      out);
  PutOptional(timeout, out);
  PutOptional(grace, out);
  PutOptional(retries, out);
  PutOptional(retry_delay, out);
  PutOptional(retry_backoff, out);
  Put(container ? cromt::Describe(*container) : std::string(), out);
  if (!secrets) return;
  out += '|';  // an empty list is not the same as none
  for (const SecretUse& use : *secrets) {
    const auto& [name, env, file, registry] = use;
    Put(name, out);
    Put(env, out);
    Put(file, out);
    Put(registry, out);
  }
}

ProjectMeanings::List ProjectMeanings::Of(const HostList& hosts) {
  if (!hosts) return {};
  if (auto known = lists_.find(hosts.get()); known != lists_.end()) return known->second;
  List list;
  std::string description = "hosts;";
  for (const HostEntry& host : *hosts) {
    const auto& [at, id, set, unbuilt] = host;
    Put(id, description);
    Describe(set, description);
    list.has_unbuilt |= !unbuilt.empty();
  }
  list.meaning = Number(std::move(description));
  return lists_[hosts.get()] = list;
}

ProjectMeanings::List ProjectMeanings::Of(const JobFile& file, const DependencyList& entries) {
  if (!entries) return {};
  if (auto known = lists_.find(entries.get()); known != lists_.end()) return known->second;
  List list;
  std::string description = "entries;";
  for (const DependencyEntry& entry : *entries) {
    const auto& [at, target, set, hosts, when, unbuilt] = entry;
    Put(file.projects[target].name, description);
    Put(ToString(when), description);
    Describe(set, description);
    const List theirs = Of(hosts);
    PutNumber(theirs.meaning, description);
    list.has_unbuilt |= theirs.has_unbuilt || !unbuilt.empty();
  }
  list.meaning = Number(std::move(description));
  return lists_[entries.get()] = list;
}

uint32_t ProjectMeanings::Of(const Revision& revision, const Project& project) {
  const auto& [name, at, source, run, set, hosts, before, after, pool, artifacts, parallel, log_limit, inherit_env,
               confinement, ignore_failure, max_failures, silence, run_timeout, priority, schedule, push, disabled,
               keep, unbuilt] = project;
  std::string description = "project;";
  Put(source, description);
  PutOptional(
      run, [&](const std::string& script) { Put(script, description); }, description);
  Describe(set, description);
  bool has_unbuilt = !unbuilt.empty();
  // Where a project has no list, an empty one means the same.
  for (const List& list :
       {hosts && hosts->empty() ? List() : Of(hosts), before && before->empty() ? List() : Of(revision.file, before),
        after && after->empty() ? List() : Of(revision.file, after)}) {
    PutNumber(list.meaning, description);
    has_unbuilt |= list.has_unbuilt;
  }
  description += pool ? '+' : '-';
  if (pool) Put(*pool, description);
  description += artifacts ? '+' : '-';
  if (artifacts) Put(*artifacts, description);
  PutOptional(parallel, description);
  PutOptional(log_limit, description);
  PutNumber(inherit_env, description);
  Put(confinement.user, description);
  Put(ToString(confinement.sandbox), description);
  PutNumber(ignore_failure, description);
  PutNumber(max_failures.count, description);
  PutNumber(max_failures.percent, description);
  Put(silence, description);
  PutOptional(run_timeout, description);
  PutNumber(priority, description);
  PutNumber(disabled, description);
  PutOptional(keep, description);
  description += schedule ? '+' : '-';
  if (schedule) Put(*schedule, description);
  description += push ? '+' : '-';
  if (push) Put(*push, description);
  if (has_unbuilt) Put(Lines(revision, project), description);
  return Number(std::move(description));
}

// From the project's key to the next one's, without what means nothing: comments, blanks at the end of lines.
std::string ProjectMeanings::Lines(const Revision& revision, const Project& project) {
  auto [lines, is_new] = lines_.try_emplace(revision.text.data());
  if (is_new) lines->second = LineStarts(revision.text);
  const std::vector<size_t>& starts = lines->second;
  auto offset = [&](Position at) {
    if (at.line == 0 || at.line > starts.size()) return revision.text.size();
    return std::min(starts[at.line - 1] + at.col - 1, revision.text.size());
  };
  const std::vector<Project>& all = revision.file.projects;
  const size_t begin = offset(project.at);
  const size_t next = static_cast<size_t>(&project - all.data()) + 1;
  const size_t end = next < all.size() ? offset(all[next].at) : revision.text.size();
  std::string_view rest = revision.text.substr(begin, std::max(begin, end) - begin);
  std::string kept;
  while (!rest.empty()) {
    const size_t length = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, length);
    rest.remove_prefix(std::min(length + 1, rest.size()));
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    const size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '#') continue;
    kept.append(line) += '\n';
  }
  return kept;
}

uint32_t ProjectMeanings::Number(std::string description) {
  return numbers_.try_emplace(std::move(description), static_cast<uint32_t>(numbers_.size() + 1)).first->second;
}

}  // namespace cromt
