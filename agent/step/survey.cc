#include "agent/step/survey.h"

#include <algorithm>
#include <charconv>

#include "agent/step/scenario/parser.h"
#include "agent/step/task/task_dir.h"

namespace cromt::step {
namespace {

// Takes ":NUMBER" from the front.
uint32_t TakeNumber(std::string_view& text) {
  uint32_t number = 0;
  if (!text.starts_with(':')) return 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (error != std::errc()) return 0;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

// An error "FILE:LINE:COL: what" or "FILE:LINE: what" of this file, with its place; any other is one of the file as a
// whole.
Diagnostic At(Severity severity, const std::string& file, const std::string& message) {
  Diagnostic diagnostic{severity, file, {}, message};
  std::string_view rest = message;
  if (!rest.starts_with(file)) return diagnostic;
  rest.remove_prefix(file.size());
  cromt::Position at;  // step has one of scenarios
  at.line = TakeNumber(rest);
  at.col = TakeNumber(rest);
  if (at.line == 0 || !rest.starts_with(": ")) return diagnostic;
  diagnostic.at = at;
  diagnostic.message = rest.substr(2);
  return diagnostic;
}

bool IsTaskFile(const Repository::Item& item) {
  const std::string_view stem = std::string_view(item.name).substr(0, item.name.find('.'));
  return item.is_file && (stem == "task" || stem == "hook" || stem == "job");
}

class Surveyor {
 public:
  explicit Surveyor(const Repository& repository) : repository_(repository) {}

  Result<Survey> Run() {
    CROMT_TRY(Walk(".tom", &Surveyor::AddScenarios));
    CROMT_TRY(Walk("tasks", &Surveyor::AddTask));
    CROMT_TRY(Walk("plugins", &Surveyor::AddTask));
    std::ranges::sort(survey_.scenarios, {}, &SurveyedScenario::path);
    std::ranges::stable_sort(survey_.diagnostics, {}, &Diagnostic::file);
    return std::move(survey_);
  }

 private:
  using Items = std::vector<Repository::Item>;

  Status Walk(const std::string& top, void (Surveyor::*use)(const std::string&, const Items&)) {
    return repository_.Walk(top, kMaxSurveyed, [&](const std::string& folder, const Items& items) -> Status {
      (this->*use)(folder, items);
      return {};
    });
  }

  void AddScenarios(const std::string& folder, const Items& items) {
    for (const Repository::Item& item : items) {
      if (!item.is_file || !item.name.ends_with(".raku")) continue;
      const std::string path = Join(folder, item.name);
      const auto text = repository_.Read(path, kMaxScenarioBytes);
      if (folder == ".tom/env")
        (void)Note(path, text.and_then([&](const std::string& read) { return ParseValueFile(path, read); }));
      else
        survey_.scenarios.push_back(
            {path, Note(path, text.and_then([&](const std::string& read) { return ParseScenario(path, read); }))});
    }
  }

  // What is wrong with the file, if anything.
  template <class T>
  Interpreter Note(const std::string& path, const Result<T>& read) {
    if (read) return Interpreter::kCromt;
    const bool outside = IsOutside(read.error());
    survey_.diagnostics.push_back(At(outside ? Severity::kNote : Severity::kError, path, read.error().message));
    if (outside) survey_.diagnostics.back().message += "; it runs under rakudo";
    return outside ? Interpreter::kRakudo : Interpreter::kNone;
  }

  void AddTask(const std::string& folder, const Items& items) {
    if (!std::ranges::any_of(items, IsTaskFile)) return;  // holds other tasks
    const auto task = ReadTaskDir(repository_, folder);
    if (task)
      ++survey_.tasks;
    else
      survey_.diagnostics.push_back(FromTask(folder, task.error().message));
  }

  static Diagnostic FromTask(const std::string& folder, const std::string& message) {
    const std::string check = Join(folder, "task.check");
    return At(Severity::kError, message.starts_with(check) ? check : folder, message);
  }

  const Repository& repository_;
  Survey survey_;
};

}  // namespace

Result<Survey> SurveyRepository(const Repository& repository) {
  return Surveyor(repository).Run();
}

}  // namespace cromt::step
