// Results for shell scripts: ids and names, one a line, and nothing else.
#pragma once

#include "cli/clean_text.h"
#include "cli/output.h"

namespace cromt::cli {

class QuietOutput final : public Output {
 public:
  explicit QuietOutput(Writer& out) : out_(out) {}

  void Applied(const ApplyAnswer& answer, const ApplyWish&) override {
    for (const auto* list : {&answer.added, &answer.changed, &answer.gone})
      for (const std::string& project : *list) Line(project);
  }
  void Validated(const Validation& validation) override {
    if (validation.ok) Line(validation.file);
  }
  void Planned(const Plan& plan, const std::string&) override {
    for (const PlannedInstance& instance : plan.instances) Line(instance.project);
  }
  void Started(const RunId& run) override { Line(run.text()); }
  void CancelAsked(const RunId& run, const std::string&) override { Line(run.text()); }
  void Initialized(const std::string&, const std::vector<std::string>& files) override {
    for (const std::string& file : files) Line(file);
  }
  void ShowRun(const RunView& run) override { Line(run.header.id.text()); }
  void ShowTask(const RunView&, TaskIndex task) override { Line(std::to_string(task + 1)); }
  void ListRuns(const std::vector<RunView>& runs) override {
    for (const RunView& run : runs) Line(run.header.id.text());
  }
  void ListProjects(const std::vector<ProjectView>& projects) override {
    for (const ProjectView& project : projects) Line(project.name);
  }
  void ListTicks(const std::vector<TickSettled>& ticks) override {
    for (const TickSettled& tick : ticks) Line(FormatRfc3339(tick.last));
  }
  void PauseIs(std::string_view, const std::string& project) override { Line(project); }
  void ListRevisions(const std::vector<RevisionView>& revisions) override {
    for (const RevisionView& revision : revisions) Line(std::to_string(revision.revision));
  }
  void ListArtifacts(const std::vector<ArtifactView>& artifacts) override {
    for (const ArtifactView& artifact : artifacts) Line(artifact.host + "/" + artifact.name);
  }
  void Got(const ArtifactView&, const std::string& to) override { Line(to); }
  void ShowWhy(const RunView&, std::optional<TaskIndex>, const WhyLines& lines) override {
    for (const WhyLine& line : lines) Line(Clean(line.text));
  }
  void Forgot(const std::string& agent) override { Line(agent); }
  void ListAgents(const std::vector<AgentView>& agents) override {
    for (const AgentView& agent : agents) Line(agent.address);
  }
  void ListSecrets(const std::vector<SecretView>& secrets) override {
    for (const SecretView& secret : secrets) Line(secret.name);
  }
  void SecretIs(std::string_view, const std::string&, const std::string& name) override { Line(name); }

 private:
  void Line(const std::string& text) { out_.Write(text + "\n"); }

  Writer& out_;
};

}  // namespace cromt::cli
