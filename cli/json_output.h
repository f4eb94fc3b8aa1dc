// Results for programs: one JSON document a call, lists as JSON Lines. Shapes: docs/cli.md. Ids are strings counted
// from 1, times RFC 3339 in UTC with microseconds. Written piece by piece: memory does not grow with a run's tasks.
#pragma once

#include "cli/output.h"

namespace cromt::cli {

class JsonOutput final : public Output {
 public:
  explicit JsonOutput(Writer& out) : out_(out) {}

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
  Writer& out_;
};

// One piece of output as a line of JSON: what `logs -o json` prints. Broken UTF-8 becomes U+FFFD; --raw has the bytes.
std::string LogPieceJson(const LogPiece& piece);

}  // namespace cromt::cli
