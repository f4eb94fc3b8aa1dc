#include "agent/step/dsl_bash.h"

#include <fmt/format.h>

#include "agent/step/check/check_file.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr size_t kMaxTitleCharacters = 50;

std::string ReplaceAll(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// "bash: " and the first characters of what is run, on one line.
std::string BashTitle(std::string_view description) {
  std::string line = ReplaceAll(std::string(description), "\n", " NL ");
  size_t end = 0;
  for (size_t characters = 0; end < line.size(); ++characters) {
    if (characters == kMaxTitleCharacters) return fmt::format("bash: {} ...", line.substr(0, end));
    end += std::max<size_t>(Utf8SequenceLength(std::string_view(line).substr(end)), 1);
  }
  return "bash: " + line;
}

TaskRequest BashRequest(std::string_view description, std::string command, Map parameters = {}) {
  Set(parameters, "command", {std::move(command)});
  return {
      .title = BashTitle(description), .plugin = "bash", .path = "", .task = ".", .parameters = std::move(parameters)};
}

void CopyOption(const Map& options, std::string_view name, Map& parameters) {
  if (const Value* value = Find(options, name)) Set(parameters, std::string(name), *value);
}

// For text that git gives to a shell: one word of it.
std::string ShellWord(std::string_view text) {
  return fmt::format("'{}'", ReplaceAll(std::string(text), "'", R"('\'')"));
}

// Our own commands below get a scenario's values as variables, never as text.
constexpr std::string_view kClone = "pwd; [ -d .git ] || git clone -- \"$CROMT_GIT_SOURCE\" .";
constexpr std::string_view kCheckout = "pwd; git checkout \"$CROMT_GIT_BRANCH\"";
constexpr std::string_view kPull = "pwd; git pull";
constexpr std::string_view kCopy = "cp -- \"$CROMT_FROM\" \"$CROMT_TO\"";
constexpr std::string_view kZef =
    "IFS=$' \\t\\n' read -r -d '' -a packages <<<\"$CROMT_ZEF_PACKAGES\"; zef{} install \"${{packages[@]}}\"";

Status CheckVariables(const Map& parameters) {
  const Value* value = Find(parameters, "envvars");
  if (value == nullptr || std::holds_alternative<std::monostate>(value->form)) return {};
  const Map* variables = std::get_if<Map>(&value->form);
  if (variables == nullptr) return Fail(ErrorCode::kInvalid, "bash: envvars must be a map: %( NAME => 'value' )");
  for (const auto& [name, content] : *variables) {
    if (!IsVariableName(name))
      return Fail(ErrorCode::kInvalid, fmt::format("bash: {} in envvars is no name of a variable", Quote(name)));
    if (std::holds_alternative<Map>(content.form) || std::holds_alternative<List>(content.form))
      return Fail(ErrorCode::kInvalid, fmt::format("bash: {} in envvars must be text", name));
  }
  return {};
}

std::string SshCommand(const Map& options) {
  std::string command = "ssh";
  if (const std::string key = OptionText(options, "ssh-key"); !key.empty()) command += " -i " + ShellWord(key);
  if (OptionIsOn(options, "accept-hostkey")) command += " -o StrictHostKeyChecking=accept-new";
  return command;
}

}  // namespace

Result<TaskRequests> LowerBash(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  CROMT_ASSIGN(std::string command, arguments.Text(0, "its command"));
  Map options;
  if (arguments.size() == 2 && !arguments.IsMap(1)) {
    CROMT_ASSIGN(std::string user, arguments.Text(1, "the user that runs it"));
    Set(options, "user", {std::move(user)});
  } else {
    CROMT_ASSIGN(options, arguments.Options(1));
  }
  Map parameters;
  for (std::string_view name : {"user", "cwd", "envvars", "expect_stdout"}) CopyOption(options, name, parameters);
  if (OptionIsOn(options, "debug")) Set(parameters, "debug", {int64_t{1}});
  const std::string description = OptionText(options, "description");
  std::string title = description.empty() ? command : description;
  return TaskRequests{BashRequest(title, std::move(command), std::move(parameters))};
}

Result<TaskRequests> LowerGitScm(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  CROMT_ASSIGN(const std::string source, arguments.Text(0, "the URL to clone"));
  CROMT_ASSIGN(const Map options, arguments.Options(1));
  const std::string branch = OptionText(options, "branch");
  if (branch.starts_with('-')) return arguments.Wrong("a branch can't begin with '-': " + Quote(branch));

  Map variables = {{"CROMT_GIT_SOURCE", {source}}, {"CROMT_GIT_BRANCH", {branch}}};
  std::string ssh = SshCommand(options);
  if (ssh != "ssh") Set(variables, "GIT_SSH_COMMAND", {std::move(ssh)});
  Map parameters = {{"envvars", {std::move(variables)}}, {"cwd", {OptionText(options, "to")}}};
  CopyOption(options, "user", parameters);
  if (OptionIsOn(options, "debug")) Set(parameters, "debug", {int64_t{1}});

  TaskRequests requests;
  auto add = [&](std::string_view title, std::string_view command) {
    requests.push_back(BashRequest(title, std::string(command), parameters));
  };
  add(fmt::format("git clone {} .", source), kClone);
  if (branch.empty()) return requests;
  add("git checkout " + branch, kCheckout);
  const bool is_tag = branch == "tags" || branch.starts_with("tags/");
  if (!is_tag && !OptionIsOn(options, "skip-pull")) add("git pull", kPull);
  return requests;
}

Result<TaskRequests> LowerCopyLocalFile(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(2, 2));
  CROMT_ASSIGN(std::string from, arguments.Text(0, "the file to copy"));
  CROMT_ASSIGN(std::string to, arguments.Text(1, "where to copy it"));
  const std::string title = fmt::format("copy {} to {}", from, to);
  Map variables = {{"CROMT_FROM", {std::move(from)}}, {"CROMT_TO", {std::move(to)}}};
  return TaskRequests{BashRequest(title, std::string(kCopy), {{"envvars", {std::move(variables)}}})};
}

Result<TaskRequests> LowerHttpOk(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(0, 2));
  std::string url = "127.0.0.1";
  const bool has_url = arguments.size() > 0 && !arguments.IsMap(0);
  if (has_url) {
    CROMT_ASSIGN(url, arguments.Text(0, "its URL"));
  }
  CROMT_ASSIGN(const Map options, arguments.Options(has_url ? 1 : 0));
  if (const std::string port = OptionText(options, "port"); !port.empty()) url += ":" + port;
  url += OptionText(options, "path");
  std::string command = "curl -fsSLk -D - --retry 3 ";
  if (OptionIsOn(options, "no-proxy")) command += "--noproxy 127.0.0.1 ";
  Map parameters;
  if (const std::string content = OptionText(options, "has-content"); !content.empty()) {
    Set(parameters, "expect_stdout", {content});
  } else {
    command += "-o /dev/null ";
  }
  const std::string title = command + url;
  Set(parameters, "envvars", {Map{{"CROMT_URL", {std::move(url)}}}});
  return TaskRequests{BashRequest(title, command + "-- \"$CROMT_URL\"", std::move(parameters))};
}

Result<TaskRequests> LowerZef(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  CROMT_ASSIGN(std::string packages, arguments.Text(0, "the module to install"));
  CROMT_ASSIGN(const Map options, arguments.Options(1));
  std::string flags;
  if (OptionIsOn(options, "depsonly")) flags += " --depsonly";
  if (OptionIsOn(options, "force")) flags += " --force";
  if (OptionIsOn(options, "notest")) flags += " --/test";
  const std::string description = OptionText(options, "description");
  const std::string title = description.empty() ? "zef install " + packages : description;
  Map parameters = {{"envvars", {Map{{"CROMT_ZEF_PACKAGES", {std::move(packages)}}}}}};
  for (std::string_view name : {"user", "cwd"}) CopyOption(options, name, parameters);
  if (OptionIsOn(options, "debug")) Set(parameters, "debug", {int64_t{1}});
  return TaskRequests{BashRequest(title, fmt::format(kZef, flags), std::move(parameters))};
}

Status FinishBash(TaskRequest& request) {
  CROMT_TRY(CheckVariables(request.parameters));
  const std::string pattern = OptionText(request.parameters, "expect_stdout");
  if (pattern.empty()) return {};
  if (pattern.find('\n') != std::string::npos)
    return Fail(ErrorCode::kInvalid, "bash: expect_stdout must be a regex on one line");
  CROMT_TRY(ParseCheck("bash: expect_stdout", "regexp: " + pattern));
  request.task = "checked";
  return {};
}

}  // namespace cromt::step
