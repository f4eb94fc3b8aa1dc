// What each function of scenarios asks for.
#include "agent/step/dsl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt::step {

// As tests write what they expect: "TITLE | PLUGIN or PATH | PARAMETERS".
std::string Show(const TaskRequest& request) {
  return request.title + " | " + (request.plugin.empty() ? "at " + request.path : request.plugin) + " | " +
         JsonText(request.parameters);
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

Value T(std::string text) {
  return {std::move(text)};
}

Texts Lower(std::string function, std::vector<Value> arguments) {
  auto requests = LowerCall({.at = {}, .function = std::move(function), .arguments = std::move(arguments)});
  if (!requests) return {"error: " + requests.error().message};
  Texts shown;
  for (const TaskRequest& request : *requests) shown.push_back(Show(request));
  return shown;
}

TEST(TaskRun, OfAPath) {
  EXPECT_THAT(Lower("task-run", {}), ElementsAre(". | at . | {}"));
  EXPECT_THAT(Lower("task-run", {T("tasks/a")}), ElementsAre("tasks/a | at tasks/a | {}"));
  EXPECT_THAT(Lower("task-run", {T("a@b"), {Map{{"x", T("1")}}}}), ElementsAre(R"(a@b | at a@b | {"x":"1"})"));
}

TEST(TaskRun, OfAPlugin) {
  EXPECT_THAT(Lower("task-run", {T("my title"), T("p")}), ElementsAre("my title | p | {}"));
  EXPECT_THAT(Lower("task-run", {T("t"), T("p"), {Map{{"x", T("1")}}}}), ElementsAre(R"(t | p | {"x":"1"})"));
  const Map map = {{"task", T("t")}, {"plugin", T("p")}, {"parameters", {Map{{"x", T("1")}}}}};
  EXPECT_THAT(Lower("task-run", {{map}}), ElementsAre(R"(t | p | {"x":"1"})"));
  EXPECT_THAT(Lower("task-run", {{Map{{"task", T("t")}, {"plugin", T("p")}}}}), ElementsAre("t | p | {}"));
}

TEST(TaskRun, RefusesWhatItDoesNotTake) {
  EXPECT_THAT(Lower("task-run", {T("t"), T("p"), T("x")}),
              ElementsAre("error: task-run: its options must be a map: %( name => value )"));
  EXPECT_THAT(Lower("task-run", {T("")}), ElementsAre("error: task-run: the path of the task is empty"));
  EXPECT_THAT(Lower("task-run", {{List{}}}), ElementsAre("error: task-run: the path of the task must be text"));
  EXPECT_THAT(Lower("task-run", {{Map{{"task", T("t")}}}}),
              ElementsAre("error: task-run: a map must have a task and a plugin"));
  EXPECT_THAT(Lower("task-run", {T("t"), T("p"), {Map{}}, T("x")}),
              ElementsAre("error: task-run: it takes at most 3 arguments, here are 4"));
  EXPECT_THAT(Lower("task-run", {T("t"), {Map{}}, {Map{}}}),
              ElementsAre("error: task-run: it takes at most 2 arguments, here are 3"));
}

TEST(Bash, InItsForms) {
  EXPECT_THAT(Lower("bash", {T("echo hi")}), ElementsAre(R"(bash: echo hi | bash | {"command":"echo hi"})"));
  EXPECT_THAT(Lower("bash", {T("id"), T("bob")}), ElementsAre(R"(bash: id | bash | {"user":"bob","command":"id"})"));
  const Map options = {
      {"description", T("what it is")},  {"cwd", T("d")},           {"debug", {true}}, {"unknown", T("u")},
      {"envvars", {Map{{"A", T("1")}}}}, {"expect_stdout", T("ok")}};
  EXPECT_THAT(Lower("bash", {T("id"), {options}}),
              ElementsAre(R"(bash: what it is | bash | {"cwd":"d","envvars":{"A":"1"},"expect_stdout":"ok","debug":1,)"
                          R"("command":"id"})"));
  EXPECT_THAT(Lower("bash", {T("id"), {Map{{"debug", {false}}}}}),
              ElementsAre(R"(bash: id | bash | {"command":"id"})"));
}

TEST(Bash, TitleIsTheFirstFiftyCharactersOnOneLine) {
  const std::string fifty(50, 'x');
  EXPECT_THAT(Lower("bash", {T(fifty)})[0], HasSubstr("bash: " + fifty + " | "));
  EXPECT_THAT(Lower("bash", {T(fifty + "y")})[0], HasSubstr("bash: " + fifty + " ... | "));
  EXPECT_THAT(Lower("bash", {T("a\nb")})[0], HasSubstr("bash: a NL b | "));
  std::string wide;
  for (int i = 0; i < 51; ++i) wide += "ü";
  EXPECT_THAT(Lower("bash", {T(wide)})[0], HasSubstr("bash: " + wide.substr(0, 100) + " ... | "));
  EXPECT_THAT(Lower("bash", {T(std::string(60, '\xFF'))})[0], HasSubstr(std::string(50, '\xFF') + " ..."));
}

TEST(Bash, RefusesNamesThatAreNoVariables) {
  for (const char* name : {"A B", "a.b", "1A", "A;id", "a[$(id)]", ""})
    EXPECT_THAT(Lower("bash", {T("id"), {Map{{"envvars", {Map{{name, T("1")}}}}}}})[0],
                HasSubstr("in envvars is no name of a variable"))
        << name;
  EXPECT_THAT(Lower("bash", {T("id"), {Map{{"envvars", T("A=1")}}}})[0], HasSubstr("envvars must be a map"));
  EXPECT_THAT(Lower("bash", {T("id"), {Map{{"envvars", {Map{{"A", {List{}}}}}}}}})[0], HasSubstr("must be text"));
  // However it is called.
  EXPECT_THAT(Lower("task-run", {T("t"), T("bash"), {Map{{"envvars", {Map{{"A B", T("1")}}}}}}})[0],
              HasSubstr("error: bash: 'A B' in envvars"));
}

TEST(Bash, RefusesAnEmptyCommand) {
  EXPECT_THAT(Lower("bash", {T("")}), ElementsAre("error: bash: its command is empty"));
  EXPECT_THAT(Lower("bash", {Value{}}), ElementsAre("error: bash: its command must be text"));
  EXPECT_THAT(Lower("bash", {}), ElementsAre("error: bash: it takes at least 1 arguments, here are 0"));
}

TEST(Files, DirectoriesAndFiles) {
  EXPECT_THAT(Lower("directory", {T("d"), {Map{{"mode", T("700")}, {"path", T("other")}}}}),
              ElementsAre(R"(create directory d | directory | {"mode":"700","path":"d","action":"create"})"));
  EXPECT_THAT(Lower("directory-create", {T("d")}),
              ElementsAre(R"(create directory d | directory | {"action":"create","path":"d"})"));
  EXPECT_THAT(Lower("directory-delete", {T("d")}),
              ElementsAre(R"(delete directory d | directory | {"action":"delete","path":"d"})"));
  EXPECT_THAT(Lower("file", {T("f"), {Map{{"content", T("c")}}}}),
              ElementsAre(R"(create file f | file | {"content":"c","action":"create","target":"f"})"));
  EXPECT_THAT(Lower("file-delete", {T("f")}),
              ElementsAre(R"(delete file f | file | {"action":"delete","target":"f"})"));
  EXPECT_THAT(Lower("template-create", {T("t"), {Map{{"source", T("s")}}}}),
              ElementsAre(R"(create template t | templater | {"source":"s","target":"t"})"));
}

TEST(Files, RefuseWhatContradictsItself) {
  EXPECT_THAT(Lower("file", {T("f"), {Map{{"content", T("c")}, {"source", T("s")}}}}),
              ElementsAre("error: file: it takes a source or a content, not both"));
  EXPECT_THAT(Lower("directory-delete", {T("d"), {Map{}}})[0], HasSubstr("at most 1"));
}

TEST(Host, UsersGroupsServices) {
  EXPECT_THAT(Lower("user", {T("u")}), ElementsAre(R"(create user u | user | {"action":"create","name":"u"})"));
  EXPECT_THAT(Lower("user", {T("u"), {Map{{"uid", {int64_t{7}}}}}}),
              ElementsAre(R"(create user u | user | {"uid":7,"action":"create","name":"u"})"));
  EXPECT_THAT(Lower("user-delete", {T("u")}), ElementsAre(R"(delete user u | user | {"action":"delete","name":"u"})"));
  EXPECT_THAT(Lower("group", {T("g"), {Map{{"action", T("delete")}}}}),
              ElementsAre(R"(delete group g | group | {"action":"delete","name":"g"})"));
  EXPECT_THAT(Lower("group-create", {T("g")}),
              ElementsAre(R"(create group g | group | {"action":"create","name":"g"})"));
  EXPECT_THAT(Lower("service-restart", {T("s")}),
              ElementsAre(R"(restart service s | service | {"service":"s","action":"restart"})"));
  EXPECT_THAT(Lower("service", {T("s"), {Map{{"action", T("stop")}}}}),
              ElementsAre(R"(stop service s | service | {"service":"s","action":"stop"})"));
  EXPECT_THAT(Lower("service", {T("s")}), ElementsAre("error: service: it takes an action: %( action => 'start' )"));
}

TEST(Host, Packages) {
  EXPECT_THAT(
      Lower("package-install", {T("nano mc")}),
      ElementsAre(R"(install package(s): "nano mc" | package-generic | {"action":"install","list":"nano mc"})"));
  EXPECT_THAT(Lower("package-install", {{List{T("a"), T("b")}}}),
              ElementsAre(R"(install package(s): ("a", "b") | package-generic | {"action":"install","list":"a b"})"));
  EXPECT_THAT(
      Lower("package-install", {{Map{{"debian", T("a")}}}}),
      ElementsAre(
          R"(install package(s): {debian => a} | package-generic | {"action":"install","list":{"debian":"a"}})"));
}

TEST(GitScm, ClonesThenChecksOutThenPulls) {
  const Texts requests = Lower("git-scm", {T("https://h/r.git"), {Map{{"to", T("d")}, {"branch", T("dev")}}}});
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_THAT(requests[0], HasSubstr("bash: git clone https://h/r.git . | bash | "));
  EXPECT_THAT(requests[0], HasSubstr(R"("CROMT_GIT_SOURCE":"https://h/r.git","CROMT_GIT_BRANCH":"dev"},"cwd":"d")"));
  EXPECT_THAT(requests[1], HasSubstr("bash: git checkout dev | bash | "));
  EXPECT_THAT(requests[2], HasSubstr("bash: git pull | bash | "));
}

TEST(GitScm, PullsNoTagAndNothingWithoutABranch) {
  EXPECT_EQ(Lower("git-scm", {T("u")}).size(), 1u);
  EXPECT_EQ(Lower("git-scm", {T("u"), {Map{{"branch", T("tags/v1")}}}}).size(), 2u);
  EXPECT_EQ(Lower("git-scm", {T("u"), {Map{{"branch", T("b")}, {"skip-pull", {true}}}}}).size(), 2u);
  EXPECT_THAT(Lower("git-scm", {T("u"), {Map{{"branch", T("-f")}}}}),
              ElementsAre("error: git-scm: a branch can't begin with '-': '-f'"));
}

TEST(GitScm, AKeyIsOneWordOfTheCommandThatGitGivesToAShell) {
  const Map options = {{"ssh-key", T("a b'$(id)")}, {"accept-hostkey", {true}}};
  EXPECT_THAT(Lower("git-scm", {T("u"), {options}})[0],
              HasSubstr(R"("GIT_SSH_COMMAND":"ssh -i 'a b'\\''$(id)' -o StrictHostKeyChecking=accept-new")"));
}

TEST(GitScm, ValuesAreNeverPartOfACommand) {
  const std::string hostile = "$(id)";
  for (const std::string& shown : Lower("git-scm", {T(hostile), {Map{{"to", T(hostile)}, {"branch", T(hostile)}}}})) {
    const size_t command = shown.find("\"command\":");
    ASSERT_NE(command, std::string::npos);
    EXPECT_EQ(shown.find(hostile, command), std::string::npos) << shown;
  }
}

TEST(Zef, ItsPackagesAreAVariable) {
  const Map options = {{"depsonly", {true}}, {"notest", {true}}, {"cwd", T("d")}};
  const Texts requests = Lower("zef", {T("A B:ver<1>"), {options}});
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_THAT(requests[0], HasSubstr(R"(bash: zef install A B:ver<1> | bash | )"));
  EXPECT_THAT(requests[0], HasSubstr(R"({"CROMT_ZEF_PACKAGES":"A B:ver<1>"},"cwd":"d","command":)"));
  EXPECT_THAT(requests[0], HasSubstr(R"(zef --depsonly --/test install \"${packages[@]}\")"));
}

TEST(Others, AskForThePluginsThatSparrowHasForThem) {
  EXPECT_THAT(Lower("cpan-package", {{List{T("A"), T("B")}}, {Map{{"user", T("u")}, {"http-proxy", T("p")}}}}),
              ElementsAre(R"(install cpan packages: A B | cpan-package | {"list":"A B","user":"u","http_proxy":"p"})"));
  EXPECT_THAT(Lower("template6", {T("t")}), ElementsAre(R"(create template6 t | template6 | {"target":"t"})"));
  EXPECT_THAT(Lower("proc-exists", {T("nginx")}),
              ElementsAre(R"(check nginx process | proc-validate | {"pid_file":"/var/run/nginx.pid"})"));
  EXPECT_THAT(Lower("proc-exists-by-footprint", {T("x"), T("y.*")}),
              ElementsAre(R"(check x process | proc-validate | {"footprint":"y.*"})"));
}

TEST(Others, HttpOk) {
  EXPECT_THAT(Lower("http-ok", {T("h"), {Map{{"port", {int64_t{81}}}, {"path", T("/x")}}}})[0],
              HasSubstr(R"({"envvars":{"CROMT_URL":"h:81/x"},"command":"curl -fsSLk -D - --retry 3 -o /dev/null -- )"));
  EXPECT_THAT(Lower("http-ok", {})[0], HasSubstr(R"("CROMT_URL":"127.0.0.1")"));
}

TEST(Others, AreRefusedByName) {
  for (const char* function : {"ssh", "scp", "systemd-service"})
    EXPECT_THAT(Lower(function, {T("x")}),
                ElementsAre(std::string("error: ") + function +
                            ": cromt doesn't do this; a bash with the command that you mean does"));
  EXPECT_THAT(Lower("no-such", {}), ElementsAre("error: cromt knows no function 'no-such'"));
}

}  // namespace
}  // namespace cromt::step
