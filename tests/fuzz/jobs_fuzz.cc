// jobs.yaml. Whatever the text: it is read, or refused with errors that stand within it and can be shown; never both,
// never neither. What is read has sound names, indices and order, and its first project is planned into a valid plan
// or refused for what a file may do wrong.
#include <algorithm>

#include "base/name.h"
#include "core/planner.h"
#include "io/config/job_reader.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

void CheckDiagnostics(std::string_view text, const JobFileReading& reading) {
  bool has_error = false;
  for (const Diagnostic& diagnostic : reading.diagnostics) {
    has_error |= diagnostic.severity == Severity::kError;
    RequireWithin(text, diagnostic.at);
    RequireShowable(diagnostic.message);
  }
  Require(has_error != reading.file.has_value(), "a file is read or has an error");
  Require(reading.diagnostics.size() <= 3 * (Diagnostics::kMaxShown + 1), "the list of what is wrong is short");
}

void CheckEntries(const JobFile& file, const DependencyList& list) {
  for (const DependencyEntry& entry : Entries(list))
    Require(entry.target < file.projects.size(), "a dependency names a project of the file");
}

void CheckFile(const JobFile& file) {
  std::vector<bool> is_listed(file.projects.size());
  for (uint32_t project : file.order) {
    Require(project < is_listed.size() && !is_listed[project], "the order lists each project once");
    is_listed[project] = true;
  }
  Require(file.order.size() == file.projects.size(), "the order lists every project");
  for (const Project& project : file.projects) {
    Require(IsName(project.name), "a project's name is an id", project.name);
    Require(project.set.title.empty() || IsTitle(project.set.title), "a title is display text", project.set.title);
    for (const HostEntry& host : Entries(project.hosts))
      Require(host.id.empty() || IsName(host.id), "a host's id is an id", host.id);
    CheckEntries(file, project.before);
    CheckEntries(file, project.after);
  }
}

void CheckPlan(const JobFile& file) {
  auto plan = PlanRun(file, file.projects.front().name, {}, {});
  if (!plan) return RequireRefusal(plan.error());
  Status valid = Validate(*plan);
  Require(valid.has_value(), "a plan is valid", valid ? "" : valid.error().message);
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  std::string_view text = Text(data, size);
  cromt::JobFileReading reading = cromt::ReadJobFile(std::string(text), "f");
  CheckDiagnostics(text, reading);
  if (!reading.file) return 0;
  CheckFile(*reading.file);
  if (!reading.file->projects.empty()) CheckPlan(*reading.file);
  return 0;
}
