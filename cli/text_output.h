// Results for people: tables and sentences.
#pragma once

#include "cli/output.h"
#include "cli/palette.h"
#include "cli/world.h"

namespace cromt::cli {

class TextOutput final : public Output {
 public:
  // `dot`: plans are written in the language of graphviz. `world` outlives this.
  TextOutput(const World& world, Palette palette, bool dot) : world_(world), palette_(palette), dot_(dot) {}

  void Applied(const ApplyAnswer& answer, const ApplyWish& wish) override;
  void Validated(const Validation& validation) override;
  void Planned(const Plan& plan, const std::string& project) override;
  void Started(const RunId& run) override;
  void CancelAsked(const RunId& run, const std::string& task) override;
  void Initialized(const std::string& dir, const std::vector<std::string>& files) override;
  void ShowRun(const RunView& run) override;
  void ShowTask(const RunView& run, TaskIndex task) override;
  void ListRuns(const std::vector<RunView>& runs) override;
  void ListProjects(const std::vector<ProjectView>& projects) override;
  void ListTicks(const std::vector<TickSettled>& ticks) override;
  void PauseIs(std::string_view what, const std::string& project) override;
  void ListRevisions(const std::vector<RevisionView>& revisions) override;
  void ListArtifacts(const std::vector<ArtifactView>& artifacts) override;
  void Got(const ArtifactView& artifact, const std::string& to) override;
  void ShowWhy(const RunView& run, std::optional<TaskIndex> task, const WhyLines& lines) override;
  void Forgot(const std::string& agent) override;
  void ListAgents(const std::vector<AgentView>& agents) override;
  void ListSecrets(const std::vector<SecretView>& secrets) override;
  void SecretIs(std::string_view what, const std::string& project, const std::string& name) override;

 private:
  std::optional<size_t> columns() const;
  void Print(const std::string& text) { world_.out.Write(text); }

  const World& world_;
  const Palette palette_;
  const bool dot_;
};

}  // namespace cromt::cli
