#include "agent/step/dsl.h"

#include <fmt/format.h>

#include "agent/step/dsl_arguments.h"
#include "agent/step/dsl_bash.h"
#include "base/name.h"

namespace cromt::step {
namespace {

using Lowering = Result<TaskRequests> (*)(const DslArguments&);

TaskRequests PluginRequest(std::string title, std::string plugin, Map parameters) {
  return {{.title = std::move(title),
           .plugin = std::move(plugin),
           .path = "",
           .task = ".",
           .parameters = std::move(parameters)}};
}

TaskRequests PathRequest(std::string path, Map parameters) {
  return {{.title = path, .plugin = "", .path = std::move(path), .task = ".", .parameters = std::move(parameters)}};
}

// ---- task-run -----------------------------------------------------------------------------------

Result<TaskRequests> LowerTaskMap(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 1));
  CROMT_ASSIGN(const Map map, arguments.Options(0));
  const std::string title = OptionText(map, "task"), plugin = OptionText(map, "plugin");
  if (title.empty() || plugin.empty()) return arguments.Wrong("a map must have a task and a plugin");
  Map parameters;
  if (const Value* value = Find(map, "parameters"); value && !std::holds_alternative<std::monostate>(value->form)) {
    const Map* given = std::get_if<Map>(&value->form);
    if (given == nullptr) return arguments.Wrong("its parameters must be a map: %( name => value )");
    parameters = *given;
  }
  return PluginRequest(title, plugin, std::move(parameters));
}

Result<TaskRequests> LowerTaskRun(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(0, 3));
  if (arguments.size() == 0) return PathRequest(".", {});
  if (arguments.IsMap(0)) return LowerTaskMap(arguments);
  if (arguments.size() == 1 || arguments.IsMap(1)) {
    CROMT_TRY(arguments.Count(1, 2));
    CROMT_ASSIGN(std::string path, arguments.Text(0, "the path of the task"));
    CROMT_ASSIGN(Map parameters, arguments.Options(1));
    return PathRequest(std::move(path), std::move(parameters));
  }
  CROMT_ASSIGN(std::string title, arguments.Text(0, "the description"));
  CROMT_ASSIGN(std::string plugin, arguments.Text(1, "the plugin"));
  CROMT_ASSIGN(Map parameters, arguments.Options(2));
  return PluginRequest(std::move(title), std::move(plugin), std::move(parameters));
}

// ---- Files --------------------------------------------------------------------------------------

// `verb` PATH of `plugin`, with the caller's options beneath what its name says.
Result<TaskRequests> LowerPathFunction(const DslArguments& arguments, std::string_view verb, std::string_view what,
                                       std::string_view plugin, Map fixed, std::string_view path_name) {
  CROMT_ASSIGN(std::string path, arguments.Text(0, "the path"));
  CROMT_ASSIGN(Map parameters, arguments.Options(1));
  Set(fixed, std::string(path_name), {path});
  return PluginRequest(fmt::format("{} {} {}", verb, what, path), std::string(plugin), MergeMaps(parameters, fixed));
}

Result<TaskRequests> CreateDirectory(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  return LowerPathFunction(arguments, "create", "directory", "directory", {{"action", {"create"}}}, "path");
}

Result<TaskRequests> DeleteDirectory(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 1));
  return LowerPathFunction(arguments, "delete", "directory", "directory", {{"action", {"delete"}}}, "path");
}

Result<TaskRequests> CreateFile(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  CROMT_ASSIGN(const Map options, arguments.Options(1));
  if (Find(options, "source") && Find(options, "content"))
    return arguments.Wrong("it takes a source or a content, not both");
  return LowerPathFunction(arguments, "create", "file", "file", {{"action", {"create"}}}, "target");
}

Result<TaskRequests> DeleteFile(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 1));
  return LowerPathFunction(arguments, "delete", "file", "file", {{"action", {"delete"}}}, "target");
}

Result<TaskRequests> CreateTemplate(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  return LowerPathFunction(arguments, "create", "template", "templater", {}, "target");
}

Result<TaskRequests> CreateTemplate6(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  return LowerPathFunction(arguments, "create", "template6", "template6", {}, "target");
}

// ---- The host -----------------------------------------------------------------------------------

// user and group: the action is create unless the options say another.
Result<TaskRequests> LowerAccount(const DslArguments& arguments, const std::string& plugin, std::string_view action) {
  CROMT_ASSIGN(std::string name, arguments.Text(0, "the name"));
  CROMT_ASSIGN(Map parameters, arguments.Options(1));
  if (!action.empty()) Set(parameters, "action", {std::string(action)});
  if (!Find(parameters, "action")) Set(parameters, "action", {"create"});
  const std::string title = fmt::format("{} {} {}", OptionText(parameters, "action"), plugin, name);
  Set(parameters, "name", {std::move(name)});
  return PluginRequest(title, plugin, std::move(parameters));
}

template <bool kIsUser>
Result<TaskRequests> Account(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  return LowerAccount(arguments, kIsUser ? "user" : "group", "");
}

template <bool kIsUser, bool kCreates>
Result<TaskRequests> AccountAction(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 1));
  return LowerAccount(arguments, kIsUser ? "user" : "group", kCreates ? "create" : "delete");
}

Result<TaskRequests> LowerService(const DslArguments& arguments, const std::string& action) {
  CROMT_ASSIGN(std::string service, arguments.Text(0, "the service"));
  const std::string title = fmt::format("{} service {}", action, service);
  return PluginRequest(title, "service", {{"service", {std::move(service)}}, {"action", {action}}});
}

Result<TaskRequests> Service(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  CROMT_ASSIGN(const Map options, arguments.Options(1));
  const std::string action = OptionText(options, "action");
  if (action.empty()) return arguments.Wrong("it takes an action: %( action => 'start' )");
  return LowerService(arguments, action);
}

// service-start and its like: the action is in the name.
Result<TaskRequests> ServiceAction(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 1));
  return LowerService(arguments, arguments.function().substr(std::string_view("service-").size()));
}

// A list as Raku writes it in a title: ("a", "b").
std::string WrittenList(const List& list) {
  std::string text;
  for (const Value& item : list) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", ShellText(item));
  return fmt::format("({})", text);
}

std::string JoinWords(const List& list) {
  std::string text;
  for (const Value& item : list) text += (text.empty() ? "" : " ") + ShellText(item);
  return text;
}

Result<TaskRequests> InstallPackages(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 1));
  constexpr std::string_view kTitle = "install package(s): ";
  Map parameters = {{"action", {"install"}}};
  auto request = [&](std::string_view written, Value list) {
    Set(parameters, "list", std::move(list));
    return PluginRequest(fmt::format("{}{}", kTitle, written), "package-generic", std::move(parameters));
  };
  if (arguments.IsMap(0)) return request(ShellText(arguments.at(0)), arguments.at(0));
  if (arguments.IsList(0)) {
    const List& list = std::get<List>(arguments.at(0).form);
    return request(WrittenList(list), {JoinWords(list)});
  }
  CROMT_ASSIGN(std::string list, arguments.Text(0, "the packages"));
  return request(fmt::format("\"{}\"", list), {list});
}

Result<TaskRequests> InstallCpan(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  std::string list;
  if (arguments.IsList(0)) {
    list = JoinWords(std::get<List>(arguments.at(0).form));
  } else {
    CROMT_ASSIGN(list, arguments.Text(0, "the packages"));
  }
  CROMT_ASSIGN(const Map options, arguments.Options(1));
  Map parameters = {{"list", {list}}};
  for (auto [option, parameter] : {std::pair{"install-base", "install-base"},
                                   {"user", "user"},
                                   {"http-proxy", "http_proxy"},
                                   {"https-proxy", "https_proxy"}})
    if (const Value* value = Find(options, option)) Set(parameters, parameter, *value);
  return PluginRequest("install cpan packages: " + list, "cpan-package", std::move(parameters));
}

// ---- Processes ----------------------------------------------------------------------------------

TaskRequests ProcessRequest(const std::string& process, Map parameters) {
  return PluginRequest(fmt::format("check {} process", process), "proc-validate", std::move(parameters));
}

Result<TaskRequests> ProcessExists(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(1, 2));
  CROMT_ASSIGN(const std::string process, arguments.Text(0, "the process"));
  if (arguments.size() == 1) return ProcessRequest(process, {{"pid_file", {fmt::format("/var/run/{}.pid", process)}}});
  CROMT_ASSIGN(const Map options, arguments.Options(1));
  Map parameters;
  for (auto [option, parameter] :
       {std::pair{"pid_file", "pid_file"}, {"pid-file", "pid_file"}, {"footprint", "footprint"}})
    if (const Value* value = Find(options, option)) Set(parameters, parameter, *value);
  return ProcessRequest(process, std::move(parameters));
}

Result<TaskRequests> ProcessExistsBy(const DslArguments& arguments) {
  CROMT_TRY(arguments.Count(2, 2));
  CROMT_ASSIGN(const std::string process, arguments.Text(0, "the process"));
  CROMT_ASSIGN(std::string mark, arguments.Text(1, "by what to find it"));
  const bool by_pid = arguments.function() == "proc-exists-by-pid";
  return ProcessRequest(process, {{by_pid ? "pid_file" : "footprint", {std::move(mark)}}});
}

// ---- What isn't done ----------------------------------------------------------------------------

Result<TaskRequests> NotBuilt(const DslArguments& arguments) {
  return arguments.Wrong("cromt doesn't do this; a bash with the command that you mean does");
}

struct Function {
  std::string_view name;
  Lowering lower;
};

constexpr Function kFunctions[] = {
    {"task-run", LowerTaskRun},
    {"bash", LowerBash},
    {"copy-local-file", LowerCopyLocalFile},
    {"cpan-package", InstallCpan},
    {"cpan-package-install", InstallCpan},
    {"directory", CreateDirectory},
    {"directory-create", CreateDirectory},
    {"directory-delete", DeleteDirectory},
    {"file", CreateFile},
    {"file-create", CreateFile},
    {"file-delete", DeleteFile},
    {"git-scm", LowerGitScm},
    {"group", Account<false>},
    {"group-create", AccountAction<false, true>},
    {"group-delete", AccountAction<false, false>},
    {"http-ok", LowerHttpOk},
    {"package-install", InstallPackages},
    {"proc-exists", ProcessExists},
    {"proc-exists-by-footprint", ProcessExistsBy},
    {"proc-exists-by-pid", ProcessExistsBy},
    {"scp", NotBuilt},
    {"service", Service},
    {"service-disable", ServiceAction},
    {"service-enable", ServiceAction},
    {"service-restart", ServiceAction},
    {"service-start", ServiceAction},
    {"service-stop", ServiceAction},
    {"ssh", NotBuilt},
    {"systemd-service", NotBuilt},
    {"template", CreateTemplate},
    {"template-create", CreateTemplate},
    {"template6", CreateTemplate6},
    {"template6-create", CreateTemplate6},
    {"user", Account<true>},
    {"user-create", AccountAction<true, true>},
    {"user-delete", AccountAction<true, false>},
    {"zef", LowerZef},
};

}  // namespace

Result<TaskRequests> LowerCall(const DslCall& call) {
  for (const Function& function : kFunctions) {
    if (function.name != call.function) continue;
    CROMT_ASSIGN(TaskRequests requests, function.lower(DslArguments(call)));
    for (TaskRequest& request : requests)
      if (request.plugin == "bash") CROMT_TRY(FinishBash(request));
    return requests;
  }
  return Fail(ErrorCode::kInvalid, "cromt knows no function " + Quote(call.function));
}

}  // namespace cromt::step
