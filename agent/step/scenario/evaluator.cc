#include "agent/step/scenario/evaluator.h"

#include <fmt/format.h>

#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kMaxParameterBytes = 4 << 20;  // of one task-run, as text

class Evaluator {
 public:
  Evaluator(const Scenario& scenario, const Environment& environment)
      : scenario_(scenario), environment_(environment) {}

  Result<std::vector<Step>> Steps() {
    std::vector<Step> steps;
    for (const Call& call : scenario_.calls) {
      if (call.function == "say") {
        CROMT_ASSIGN(Say say, MakeSay(call));
        steps.emplace_back(std::move(say));
      } else {
        CROMT_ASSIGN(RunTask run, MakeRunTask(call));
        steps.emplace_back(std::move(run));
      }
    }
    return steps;
  }

 private:
  tl::unexpected<Error> ErrorAt(Position at, std::string_view what) const {
    return Fail(ErrorCode::kInvalid, fmt::format("{}:{}:{}: {}", scenario_.file, at.line, at.column, what));
  }

  // REQUIRES: depth is bounded, as the parser's is.
  Value Of(const Expression& expression) const {
    return std::visit([&](const auto& form) { return Of(form); }, expression.form);
  }
  Value Of(const StringLiteral& literal) const { return {literal.text}; }
  Value Of(const IntegerLiteral& literal) const { return {literal.value}; }
  Value Of(const EnvironmentVariable& variable) const {
    auto text = environment_(variable.name);
    return text ? Value{std::move(*text)} : Value{};
  }
  Value Of(const ListLiteral& literal) const {
    List list;
    for (const Expression& item : literal.items) list.push_back(Of(item));
    return {std::move(list)};
  }
  Value Of(const MapLiteral& literal) const {
    Map map;
    for (const MapEntry& entry : literal.entries) map.push_back({entry.key, Of(entry.value)});
    return {std::move(map)};
  }

  Result<Say> MakeSay(const Call& call) const {
    Say say;
    for (const Expression& argument : call.arguments) {
      Value value = Of(argument);
      if (std::holds_alternative<List>(value.form) || std::holds_alternative<Map>(value.form))
        return ErrorAt(argument.at, "say of a list or map is outside what cromt reads itself yet");
      say.text += std::holds_alternative<std::monostate>(value.form) ? "(Any)" : ShellText(value);  // as Raku says it
    }
    return say;
  }

  Result<RunTask> MakeRunTask(const Call& call) const {
    const Expression& first = call.arguments[0];
    Value path = Of(first);
    const auto* text = std::get_if<std::string>(&path.form);
    if (text == nullptr) return ErrorAt(first.at, "the path of the task is an environment variable that isn't set");
    RunTask run{.at = call.at, .name = *text};
    auto relative = RelativePath(*text);
    if (!relative) return ErrorAt(first.at, relative.error().message);
    run.path = std::move(*relative);
    if (call.arguments.size() > 1) run.parameters = std::get<Map>(Of(call.arguments[1]).form);
    if (JsonText(run.parameters).size() > kMaxParameterBytes)
      return ErrorAt(call.arguments[1].at, fmt::format("parameters of more than {} MiB", kMaxParameterBytes >> 20));
    return run;
  }

  static Result<std::string> RelativePath(std::string_view text) {
    auto refuse = [written = text](std::string_view why) {
      return Fail(ErrorCode::kInvalid, fmt::format("task path {} {}", Quote(written), why));
    };
    if (text.empty()) return refuse("is empty");
    if (text.find('\0') != std::string_view::npos) return refuse("holds a NUL character");
    if (text.front() == '/') return refuse("is absolute; a task lies in the repository");
    if (text.find('@') != std::string_view::npos)
      return refuse("names a subtask with '@', which is outside what cromt reads itself yet");
    std::string path;
    while (!text.empty()) {
      const size_t slash = std::min(text.find('/'), text.size());
      const std::string_view segment = text.substr(0, slash);
      text.remove_prefix(std::min(slash + 1, text.size()));
      if (segment.empty() || segment == ".") continue;
      if (segment == "..") return refuse("leaves the repository with '..'");
      path += path.empty() ? "" : "/";
      path += segment;
    }
    return path.empty() ? "." : path;
  }

  const Scenario& scenario_;
  const Environment& environment_;
};

}  // namespace

Result<std::vector<Step>> Evaluate(const Scenario& scenario, const Environment& environment) {
  return Evaluator(scenario, environment).Steps();
}

}  // namespace cromt::step
