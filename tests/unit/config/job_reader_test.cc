// jobs.yaml: what loads, and what is said of what does not, word for word with its place.
#include "io/config/job_reader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/lease.h"
#include "tests/unit/config/support.h"

namespace cromt {
namespace {

JobFile Load(const std::string& text) {
  JobFileReading reading = ReadJobFile(text, "f");
  EXPECT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  return reading.file.value_or(JobFile());
}

// The text of a project "p" that runs, with one more line.
std::string With(const std::string& line) {
  return "projects:\n  p:\n    run: x\n    " + line + "\n";
}

TEST(JobReader, EveryRealFileOfCromtitLoadsUnchanged) {
  std::filesystem::path folder = std::filesystem::path(std::getenv("CROMT_SOURCE")) / "tests/data/cromtit";
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    auto reading = LoadJobFile(entry.path().string());
    ASSERT_TRUE(reading) << entry.path();
    EXPECT_TRUE(reading->file) << ErrorText(reading->diagnostics);
    ++files;
  }
  EXPECT_EQ(files, 8);
}

TEST(JobReader, TheArticlesThreeHosts) {
  auto reading = LoadJobFile(std::string(std::getenv("CROMT_SOURCE")) + "/tests/data/cromtit/article/hello.yaml");
  ASSERT_TRUE(reading && reading->file);
  EXPECT_TRUE(reading->diagnostics.empty());
  const Project& job = reading->file->projects.at(0);
  EXPECT_EQ(job.name, "job1");
  EXPECT_EQ(job.at, (Position{2, 3}));
  EXPECT_EQ(job.source.repository, "https://github.com/melezhik/myjobs.git");
  EXPECT_EQ(job.set.action, std::vector<std::string>{"hello"});
  ASSERT_EQ(job.hosts->size(), 3u);
  EXPECT_EQ(ToString(*job.hosts->at(1).set.url), "hostB:4000");
  EXPECT_EQ(*job.hosts->at(1).set.vars, (Variables{{"WORKER", "B"}}));
  EXPECT_EQ(*job.hosts->at(2).set.vars, (Variables{{"WORKER", "C"}}));
}

TEST(JobReader, EveryBuiltKeyArrives) {
  JobFile file = Load(
      "name: my.file\n"
      "storage: http://store:4005\n"
      "x-anything: {goes: [here]}\n"
      "projects:\n"
      "  p:\n"
      "    path: ~/p\n"
      "    action: one  two\n"
      "    options: --verbose\n"
      "    url: https://h\n"
      "    title: \"Tïtle: it's\"\n"
      "    x-note: free\n"
      "    hosts: [{id: one, url: 'http://[::1]:4001/', action: three, title: t, options: --quiet, x-a: b}, {}]\n"
      "    before: [{name: q, action: four, vars: {A: b}, url: http://i, title: u, hosts: [{id: z}]}]\n"
      "  q: {path: /q}\n"
      "  r: {run: echo}\n");
  EXPECT_EQ(file.name, "my.file");
  EXPECT_EQ(ToString(*file.storage), "store:4005");
  const Project& p = *file.Find("p");
  EXPECT_EQ(p.source.directory, "~/p");
  EXPECT_EQ(p.set.action, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(p.set.options, "--verbose");
  EXPECT_EQ(ToString(*p.set.url), "h:4000");
  EXPECT_EQ(p.set.title, "Tïtle: it's");
  ASSERT_EQ(p.hosts->size(), 2u);
  EXPECT_EQ(p.hosts->at(0).id, "one");
  EXPECT_EQ(ToString(*p.hosts->at(0).set.url), "[::1]:4001");
  EXPECT_EQ(p.hosts->at(0).set.action, std::vector<std::string>{"three"});
  EXPECT_EQ(p.hosts->at(0).set.options, "--quiet");
  EXPECT_EQ(p.hosts->at(1).id, "");
  ASSERT_EQ(p.before->size(), 1u);
  const DependencyEntry& entry = p.before->at(0);
  EXPECT_EQ(file.projects[entry.target].name, "q");
  EXPECT_EQ(entry.at, (Position{13, 14}));
  EXPECT_EQ(entry.set.action, std::vector<std::string>{"four"});
  EXPECT_EQ(*entry.set.vars, (Variables{{"A", "b"}}));
  EXPECT_EQ(entry.hosts->at(0).id, "z");
  EXPECT_EQ(file.Find("r")->run, "echo");
  EXPECT_EQ(file.order, (std::vector<uint32_t>{1, 0, 2}));
}

TEST(JobReader, WhatIsEmptyIsUnset) {
  JobFile file =
      Load("storage:\nprojects:\n  p: {run: x, action: '', hosts: , before: ~, vars: , url: null, title: ''}\n");
  const Project& p = file.projects[0];
  EXPECT_FALSE(file.storage);
  EXPECT_TRUE(p.set.action.empty());
  EXPECT_FALSE(p.hosts);
  EXPECT_FALSE(p.before);
  EXPECT_FALSE(p.set.vars);
  EXPECT_FALSE(p.set.url);
  EXPECT_EQ(p.set.title, "");
}

TEST(JobReader, AFileMayHaveNoProjectsButMustSaySo) {
  EXPECT_EQ(Said("projects: {}"), "");
  EXPECT_EQ(Said("projects:"), "");
  EXPECT_EQ(Said("name: x"), "f:1:1: error: there is no 'projects'\n");
  EXPECT_EQ(Said(""), "f:1:1: error: nothing where a map with 'projects' is meant\n");
  EXPECT_EQ(Said("- a"), "f:1:1: error: a list where a map with 'projects' is meant\n");
}

TEST(JobReader, EveryProblemIsSaidAtOnceInFileOrder) {
  EXPECT_EQ(Said("projects:\n"
                 "  a:\n"
                 "    hots: []\n"
                 "    before: [{name: bb}]\n"
                 "  b/c: {run: x}\n"
                 "  b: {run: {x: y}}\n"
                 "prjects: 1\n"),
            "f:2:3: error: project 'a' has no 'path'; give it one, or commands in 'run'\n"
            "f:3:5: error: unknown key 'hots' in a project; did you mean 'hosts'?\n"
            "f:4:21: error: unknown project 'bb' in 'before'; did you mean 'b'?\n"
            "f:5:3: error: project name 'b/c': use letters, digits, '_', '.', '-', not beginning with '.' or '-', at "
            "most 128 bytes\n"
            "f:6:3: error: project 'b' has no 'path'; give it one, or commands in 'run'\n"
            "f:6:12: error: 'run': a map where text is meant\n"
            "f:7:1: error: unknown key 'prjects' in the top level; did you mean 'projects'?\n");
}

TEST(JobReader, AnEntryOfAfterSaysWhenItRuns) {
  JobFile file = Load(
      "projects:\n"
      "  p: {run: x, after: [{name: q}, {name: q, when: }, {name: q, when: failure}, {name: q, when: always}]}\n"
      "  q: {run: x, on_failure: fail, before: [{name: r, when: success}]}\n"
      "  r: {run: x, on_failure: ignore}\n");
  std::vector<When> whens;
  for (const DependencyEntry& entry : *file.projects[0].after) whens.push_back(entry.when);
  EXPECT_EQ(whens, (std::vector<When>{When::kSuccess, When::kSuccess, When::kFailure, When::kAlways}));
  EXPECT_FALSE(file.projects[1].ignore_failure);
  EXPECT_TRUE(file.projects[2].ignore_failure);
}

TEST(JobReader, WhatComesBeforeHasNoChoice) {
  EXPECT_EQ(Said("projects:\n"
                 "  p: {run: x, before: [{name: q, when: always}], after: [{name: q, when: sometimes}]}\n"
                 "  q: {run: x, on_failure: ok, when: always}\n"),
            "f:2:34: error: 'when: always' in 'before'; only an entry of 'after' has a choice of when it runs\n"
            "f:2:74: error: 'when': 'sometimes' is not always, failure or success\n"
            "f:3:27: error: 'on_failure': 'ok' is not fail or ignore\n"
            "f:3:31: error: 'when' can't stand in a project; it belongs to a before or after entry\n");
}

TEST(JobReader, AnErrorMeansNothingIsApplied) {
  EXPECT_FALSE(ReadJobFile("projects: {a: {run: x}, b: {}}", "f").file);
  EXPECT_FALSE(ReadJobFile("projects: {a: {run: x}, a: {run: x}}", "f").file);
}

TEST(JobReader, UnknownKeysSayWhereTheyAre) {
  EXPECT_EQ(Said(With("zzzzzz: 1")), "f:4:5: error: unknown key 'zzzzzz' in a project\n");
  EXPECT_EQ(Said(With("Action: a")), "f:4:5: error: unknown key 'Action' in a project; did you mean 'action'?\n");
  EXPECT_EQ(Said(With("queue_id: a")), "f:4:5: error: unknown key 'queue_id' in a project; did you mean 'queue-id'?\n");
  EXPECT_EQ(Said(With("hosts: [{ulr: http://h}]")),
            "f:4:14: error: unknown key 'ulr' in a host entry; did you mean 'url'?\n");
  EXPECT_EQ(Said(With("before: [{name: p2, acton: a}]") + "  p2: {run: x}\n"),
            "f:4:25: error: unknown key 'acton' in a before or after entry; did you mean 'action'?\n");
}

TEST(JobReader, AKeyAtTheWrongLevelIsAnError) {
  EXPECT_EQ(Said("path: x\nprojects: {}"),
            "f:1:1: error: 'path' can't stand in the top level; it belongs to a project\n");
  EXPECT_EQ(
      Said(With("name: q")),
      "f:4:5: error: 'name' can't stand in a project; it belongs to the top level; a project's name is its key\n");
  EXPECT_EQ(Said(With("hosts: [{run: x}]")),
            "f:4:14: error: 'run' can't stand in a host entry; it belongs to a project\n");
  EXPECT_EQ(Said(With("hosts: [{hosts: []}]")),
            "f:4:14: error: 'hosts' can't stand in a host entry; it belongs to a project\n");
  EXPECT_EQ(Said(With("id: q")), "f:4:5: error: 'id' can't stand in a project; it belongs to a host entry\n");
}

TEST(JobReader, ACromtitKeyThatCromtitIgnoresThereIsAWarning) {
  EXPECT_EQ(
      Said(With("hosts: [{path: x, branch: b, before: [], crontab: c, artifacts: {}, trigger: true, after: []}]")),
      "f:4:14: warning: 'path' has no effect in a host entry\n"
      "f:4:23: warning: 'branch' has no effect in a host entry\n"
      "f:4:34: warning: 'before' has no effect in a host entry\n"
      "f:4:46: warning: 'crontab' has no effect in a host entry\n"
      "f:4:58: warning: 'artifacts' has no effect in a host entry\n"
      "f:4:73: warning: 'trigger' has no effect in a host entry\n"
      "f:4:88: warning: 'after' has no effect in a host entry\n");
  EXPECT_EQ(Said(With("before: [{name: q, path: x}]") + "  q: {run: x}\n"),
            "f:4:24: warning: 'path' has no effect in a before or after entry\n");
}

TEST(JobReader, OptionsAreThoseOfTom) {
  for (const char* good : {"--verbose --env=prod --tags=a=1,b -q", "--no_index_update --color --profile=x", "''"})
    EXPECT_EQ(Said(With(std::string("options: ") + good)), "") << good;
  EXPECT_EQ(Said(With("options: --verbose --enw=prod")),
            "f:4:14: error: '--enw=prod' is no option of tom; did you mean '--env'?\n");
  EXPECT_EQ(Said(With("options: --env")), "f:4:14: error: bad option '--env': write --env=…\n");
  EXPECT_EQ(Said(With("options: --env=../x")), "f:4:14: error: bad option '--env=../x': write --env=…\n");
  EXPECT_EQ(Said(With("options: hello")), "f:4:14: error: 'hello' is no option of tom\n");
}

TEST(JobReader, OptionsAndTimeoutOfHostsAndEntriesActHere) {
  EXPECT_EQ(Said(With("hosts: [{options: --quiet, timeout: 5}]")),
            "f:4:32: note: 'timeout' ends the attempt; Cromtit's only ended the waiting for it\n");
}

TEST(JobReader, APathIsNeededUnlessThereIsAnotherSource) {
  EXPECT_EQ(Said("projects:\n  a:\n  b: {path: }\n  c: {path: ''}\n  d: {action: x}"),
            "f:2:3: error: project 'a' has no 'path'; give it one, or commands in 'run'\n"
            "f:3:3: error: project 'b' has no 'path'; give it one, or commands in 'run'\n"
            "f:4:3: error: project 'c' has no 'path'; give it one, or commands in 'run'\n"
            "f:5:3: error: project 'd' has no 'path'; give it one, or commands in 'run'\n");
  for (const char* source : {"run: x", "factfile: {file: a}", "mflow: {tasks: t}", "playbook: {file: a}"})
    EXPECT_TRUE(ReadJobFile(std::string("projects: {p: {") + source + "}}", "f").file) << source;
}

TEST(JobReader, RunAndActionExcludeEachOther) {
  EXPECT_EQ(Said(With("action: a")), "f:4:5: error: 'run' and 'action' in one project; it can have one of them\n");
  EXPECT_EQ(Said(With("hosts: [{action: a}]")),
            "f:4:13: error: 'action' for project 'p', which has 'run'; it can have one of them\n");
  EXPECT_EQ(
      Said("projects:\n  a: {run: x}\n  b: {run: x, before: [{name: a, action: y}, {name: a, hosts: [{action: y}]}]}"),
      "f:3:24: error: 'action' for project 'a', which has 'run'; it can have one of them\n"
      "f:3:64: error: 'action' for project 'a', which has 'run'; it can have one of them\n");
}

TEST(JobReader, WrongKindsSayWhatIsMeant) {
  EXPECT_EQ(Said(With("hosts: {url: http://h}")), "f:4:12: error: 'hosts': a map where a list is meant\n");
  EXPECT_EQ(Said(With("hosts: [http://h]")),
            "f:4:13: error: text where a map is meant; write '- url: http://HOST:4000'\n");
  EXPECT_EQ(Said(With("hosts: [~]")), "f:4:13: error: nothing where a map is meant; write '- url: http://HOST:4000'\n");
  EXPECT_EQ(Said(With("before: [q]")), "f:4:14: error: text where a map is meant; write '- name: PROJECT'\n");
  EXPECT_EQ(Said(With("before: [{action: a}]")), "f:4:14: error: an entry of 'before' needs 'name'\n");
  EXPECT_EQ(Said(With("title: [a]")), "f:4:12: error: 'title': a list where text is meant\n");
  EXPECT_EQ(Said(With("vars: [a]")), "f:4:11: error: 'vars': a list where a map is meant\n");
  EXPECT_EQ(Said(With("vars: {A: {b: c}}")), "f:4:15: error: 'A': a map where text is meant\n");
  EXPECT_EQ(Said("projects: [a]"), "f:1:11: error: 'projects': a list where a map is meant\n");
  EXPECT_EQ(Said("projects: {p: text}"), "f:1:15: error: 'p': text where a map is meant\n");
}

TEST(JobReader, VarsReachTheModelByteForByte) {
  JobFile file =
      Load(With("vars: {Y: 1.10, Z: true, Q: a\"b;echo X, M: \"x\\ny\", N: , L: null, S: ' s ', on: yes, _u: é}"));
  EXPECT_EQ(*file.projects[0].set.vars, (Variables{{"Y", "1.10"},
                                                   {"Z", "true"},
                                                   {"Q", "a\"b;echo X"},
                                                   {"M", "x\ny"},
                                                   {"N", ""},
                                                   {"L", ""},
                                                   {"S", " s "},
                                                   {"on", "yes"},
                                                   {"_u", "é"}}));
}

TEST(JobReader, BadVariablesAreRefused) {
  EXPECT_EQ(Said(With("vars: {a-b: 1, 1a: 2, CROMT_RUN: 3, '': 4}")),
            "f:4:12: error: bad variable name 'a-b': use letters, digits and '_', not beginning with a digit\n"
            "f:4:20: error: bad variable name '1a': use letters, digits and '_', not beginning with a digit\n"
            "f:4:27: error: variable 'CROMT_RUN': names beginning with CROMT_ are set by cromt\n"
            "f:4:41: error: bad variable name '': use letters, digits and '_', not beginning with a digit\n");
  EXPECT_EQ(Said(With("vars: {A: '" + std::string(102401, 'x') + "'}")),
            "f:4:15: error: variable 'A' has 102401 bytes; at most 102400 are allowed\n");
  std::string many;
  for (int i = 0; i < 11; ++i) many += "V" + std::to_string(i) + ": '" + std::string(100'000, 'x') + "', ";
  EXPECT_EQ(Said(With("vars: {" + many + "}")),
            "f:4:11: error: 'vars' has 1100023 bytes; at most 1048576 are allowed\n");
  EXPECT_EQ(Said(With("vars: {PATH: /x, LD_PRELOAD: y}")), "");
}

TEST(JobReader, WhatCromtitWouldHaveExpandedIsNoted) {
  EXPECT_EQ(Said(With("vars: {A: $HOME/x, B: '${USER}', C: 5$, D: '$(id)', E: $1}")),
            "f:4:15: note: 'A' is passed as written; Cromtit would have expanded the '$'\n"
            "f:4:27: note: 'B' is passed as written; Cromtit would have expanded the '$'\n");
}

TEST(JobReader, TemplatesAreAnErrorWhereAShellVariableIsMeant) {
  EXPECT_EQ(
      Said("projects:\n  a: {run: 'echo ${{ vars.X }}'}\n  b: {path: '/p/${{ env.Y }}', action: '${{ params.Z }}'}"),
      "f:2:12: error: 'run' takes no ${{ }}: set a variable in vars and write $NAME\n"
      "f:3:13: error: 'path' takes no ${{ }}: set a variable in vars and write $NAME in the scenario\n"
      "f:3:40: error: 'action' takes no ${{ }}: set a variable in vars and write $NAME in the scenario\n");
}

TEST(JobReader, ParametersAreNotBuiltYet) {
  JobFileReading reading =
      ReadJobFile(With("vars: {A: '${{ params.B }}'}\n    title: 'on ${{params.H}}'\n    url: http://${{ params.U }}\n"
                       "    artifacts: {out: [{file: a, path: '${{ params.P }}'}]}"),
                  "f");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  std::string refusals = ErrorText(StartRefusals(*reading.file, 0));
  EXPECT_EQ(refusals,
            "f:4:15: error: '${{ params }} in vars' of project 'p' is not built yet, so 'p' can't be started\n"
            "f:5:12: error: '${{ params }} in title' of project 'p' is not built yet, so 'p' can't be started\n"
            "f:6:10: error: '${{ params }} in url' of project 'p' is not built yet, so 'p' can't be started\n"
            "f:7:39: error: '${{ params }} in artifacts' of project 'p' is not built yet, so 'p' can't be started");
}

TEST(JobReader, TheHostsVariablesAreAnErrorWhereNoHostIsKnownYet) {
  const std::string why =
      "${{ env… }} is known on the host only, and this is needed before there is one; use it in vars or in an "
      "artifact's path\n";
  EXPECT_EQ(Said(With("title: 'on ${{env.H}}'\n    url: http://${{ env.U }}\n    branch: ${{ env.B }}")),
            "f:4:12: error: 'title': " + why + "f:5:10: error: 'url': " + why + "f:6:13: error: 'branch': " + why);
}

TEST(JobReader, ADollarMoreMakesATemplateLiteral) {
  JobFile file = Load(With("vars: {A: 'x $${{ vars.B }} $$${{ $$'}"));
  EXPECT_EQ(*file.projects[0].set.vars, (Variables{{"A", "x $${{ vars.B }} $$${{ $$"}})) << "read when planned";
  EXPECT_EQ(Load("projects: {p: {run: 'echo $${{ $$'}}").projects[0].run, "echo ${{ $$");
}

TEST(JobReader, ABrokenTemplateIsAnError) {
  for (const char* broken : {"${{ secrets.A }}", "${{ vars.A", "${{}}", "${{ vars.a-b }}"})
    EXPECT_EQ(Said(With("title: '" + std::string(broken) + "'")),
              "f:4:12: error: 'title': '${{' begins neither ${{ vars.NAME }} nor ${{ env.NAME }} nor ${{ params.NAME "
              "}}; write "
              "'$${{' for the text itself\n")
        << broken;
}

TEST(JobReader, UrlsNameAgentsAndNothingElse) {
  EXPECT_EQ(Said(With("url: http://u@h")),
            "f:4:10: error: 'url': url 'http://u@h' has a user part; write http://HOST:PORT or https://HOST:PORT\n");
  EXPECT_EQ(Said("storage: ftp://h\nprojects: {}"),
            "f:1:10: error: 'storage': url 'ftp://h' is not the address of an agent; write http://HOST:PORT or "
            "https://HOST:PORT\n");
}

TEST(JobReader, PathsThatMisleadGitAreRefused) {
  EXPECT_EQ(Said("projects: {p: {path: --upload-pack=x}}"), "f:1:22: error: path '--upload-pack=x' begins with '-'\n");
  EXPECT_EQ(Said("projects: {p: {path: 'ext::sh -c x'}}"), "f:1:22: error: path 'ext::sh -c x' has a blank\n");
  EXPECT_EQ(Said("projects: {p: {path: 'https://u:t@h/x.git'}}"),
            "f:1:22: warning: 'path' holds credentials, which everyone who sees this file or a run can read\n");
}

TEST(JobReader, ARelativePathIsRefusedWhenTheFileIsRead) {
  for (const char* path : {"x", "./x", "../x", "a/b", "~bob/x", "me@host:repo", "C:/x"})
    EXPECT_EQ(Said("projects: {p: {path: '" + std::string(path) + "'}}"),
              "f:1:22: error: path '" + std::string(path) +
                  "' is relative, and an agent has no place that it could be relative to; write an absolute path, ~/… "
                  "or a Git URL\n");
  for (const char* path : {"/x", "~", "~/x", "git@h:x", "ssh://h/x", "https://h/x", "http://h/x", "git://h/x", "x.git"})
    EXPECT_EQ(Said("projects: {p: {path: '" + std::string(path) + "'}}"), "") << path;
}

TEST(JobReader, TextThatWouldMisleadOnATerminalIsNoTitle) {
  EXPECT_EQ(Said(With("title: \"a\\e[2Jb\"")),
            "f:4:12: error: bad title 'a\\x1b[2Jb': use at most 1024 bytes and no control characters\n");
  EXPECT_EQ(Said(With("title: \"safe\\u202ednetni\"")),
            "f:4:12: error: bad title 'safe\\xe2\\x80\\xaednetni': use at most 1024 bytes and no control characters\n");
  for (const char* text : {"\\u0085", "\\u009b", "\\u2066", "\\u2069", "\\x7f", "\\0"})
    EXPECT_FALSE(ReadJobFile(With("title: \"a" + std::string(text) + "\""), "f").file) << text;
  EXPECT_EQ(Said(With("title: 'שלום, مرحبا, Größe, 日本'")), "");
}

TEST(JobReader, AHostileNameIsShownHarmless) {
  EXPECT_EQ(
      Said("projects: {\"a\\e]0;x\\a\": []}"),
      "f:1:12: error: project name 'a\\x1b]0;x\\x07': use letters, digits, '_', '.', '-', not beginning with '.' or "
      "'-', at most 128 bytes\n"
      "f:1:25: error: 'a\\x1b]0;x\\x07': a list where a map is meant\n");
  EXPECT_EQ(Said("projects: {аdmin: {run: x}}").substr(0, 36), "f:1:12: error: project name 'аdmin'") << "Cyrillic а";
  for (const char* name : {"a/b", "..", ".a", "-a", "a b", "%2e%2e", "\"a\\nb\""})
    EXPECT_FALSE(ReadJobFile(std::string("projects: {") + name + ": {run: x}}", "f").file) << name;
}

TEST(JobReader, BadNamesOfEveryKind) {
  EXPECT_EQ(Said("name: a b\nprojects: {}"),
            "f:1:1: error: name 'a b': use letters, digits, '_', '.', '-', not beginning with '.' or '-', at most 128 "
            "bytes\n");
  EXPECT_EQ(
      Said(With("hosts: [{id: ../x}]")),
      "f:4:18: error: host id '../x': use letters, digits, '_', '.', '-', not beginning with '.' or '-', at most 128 "
      "bytes\n");
  EXPECT_EQ(Said(With("title: \"a\\tb\"")),
            "f:4:12: error: bad title 'a\\x09b': use at most 1024 bytes and no control characters\n");
  EXPECT_EQ(
      Said("projects: {p: {path: /x, action: a --help}}"),
      "f:1:34: error: bad action name '--help': it names a file below .tom or tasks, not an option or another path\n");
}

TEST(JobReader, CyclesArePrintedAsPaths) {
  EXPECT_EQ(Said("projects:\n"
                 "  a: {run: x, before: [{name: b}]}\n"
                 "  b: {run: x, after: [{name: c}]}\n"
                 "  c: {run: x, before: [{name: a}]}\n"
                 "  d: {run: x, before: [{name: d}, {name: a}]}\n"),
            "f:4:24: error: cycle: a → b (before, 2:24) → c (after, 3:23) → a (before, 4:24)\n"
            "f:5:24: error: cycle: d → d (before, 5:24)\n");
}

TEST(JobReader, ALongCycleIsCutInTheMiddle) {
  std::string text = "projects:\n";
  for (int i = 0; i < 5000; ++i)
    text += "  p" + std::to_string(i) + ": {run: x, before: [{name: p" + std::to_string((i + 1) % 5000) + "}]}\n";
  std::string said = Said(text);
  EXPECT_TRUE(said.starts_with("f:5001:28: error: cycle: p0 → p1 (before, 2:25) → ")) << said;
  EXPECT_TRUE(said.ends_with("→ … (4989 more) → p0 (before, 5001:28)\n")) << said;
}

TEST(JobReader, AHostilePileOfErrorsIsCounted) {
  std::string text = "projects:\n";
  for (int i = 0; i < 1000; ++i) text += "  p" + std::to_string(i) + ": {}\n";
  auto diagnostics = ReadJobFile(text, "f").diagnostics;
  ASSERT_EQ(diagnostics.size(), Diagnostics::kMaxShown + 1);
  EXPECT_EQ(ToString(diagnostics.back()), "f: error: 900 more of these are not shown");
}

TEST(JobReader, AliasedListsAreShared) {
  JobFile file = Load(
      "projects:\n"
      "  a: {run: x, hosts: &h [{url: http://h}], vars: &v {A: b}, before: &b [{name: c}]}\n"
      "  b: {run: x, hosts: *h, vars: *v, before: *b}\n"
      "  c: {run: x}\n");
  EXPECT_EQ(file.projects[0].hosts, file.projects[1].hosts);
  EXPECT_EQ(file.projects[0].set.vars, file.projects[1].set.vars);
  EXPECT_EQ(file.projects[0].before, file.projects[1].before);
}

TEST(JobReader, TenThousandProjectsLoad) {
  std::string text = "projects:\n";
  for (int i = 0; i < 10'000; ++i) {
    std::string n = std::to_string(i);
    text +=
        "  p" + n + ":\n    path: https://git.example/p" + n + ".git\n    action: build\n    vars: {A: '" + n + "'}\n";
    if (i > 0) text += "    before:\n      - name: p" + std::to_string(i - 1) + "\n";
  }
  JobFile file = Load(text);
  EXPECT_EQ(file.projects.size(), 10'000u);
  EXPECT_EQ(file.order.size(), 10'000u);
  EXPECT_EQ(file.projects[file.order[0]].name, "p0");
}

TEST(JobReader, AMissingFileIsNotFound) {
  auto reading = LoadJobFile("/nonexistent/jobs.yaml");
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(reading.error().message, "/nonexistent/jobs.yaml: No such file or directory");
  EXPECT_EQ(LoadJobFile("/").error().message, "/: is a directory");
}

TEST(JobFile, ChoosesTheOneProjectOrSaysWhich) {
  EXPECT_EQ(Load("projects: {p: {run: x}}").Choose(""), 0u);
  JobFile two = Load("projects: {build: {run: x}, test: {run: x}}");
  EXPECT_EQ(two.Choose("test"), 1u);
  EXPECT_EQ(two.Choose("").error().message, "f has 2 projects; say which");
  EXPECT_EQ(two.Choose("biuld").error().message, "f has no project 'biuld'; did you mean 'build'?");
  EXPECT_EQ(two.Choose("biuld").error().code, ErrorCode::kNotFound);
}

TEST(JobReader, ReadsWhatIsDoneAboutFailuresAndSilence) {
  JobFileReading reading = ReadJobFile(
      "projects:\n"
      "  a: {run: x, max_failures: 10%, on_unreachable: skip, on_lost: retry, run_timeout: 2h, priority: -5}\n"
      "  b: {run: x, max_failures: 2, on_unreachable: wait 5m, on_lost: wait 1d}\n"
      "  c: {run: x, on_unreachable: fail, on_lost: fail}\n"
      "  d: {run: x, max_failures: , on_unreachable: , on_lost: , run_timeout: 0, priority: }\n",
      "f");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  EXPECT_TRUE(reading.diagnostics.empty());
  const Project &a = reading.file->projects[0], &b = reading.file->projects[1], &c = reading.file->projects[2],
                &d = reading.file->projects[3];
  EXPECT_EQ(a.max_failures, (FailureShare{10, true}));
  EXPECT_EQ(a.silence, (SilencePolicy{kUnreachableAfter, true, kShortestLost, true}));
  EXPECT_EQ(a.run_timeout, std::chrono::hours(2));
  EXPECT_EQ(a.priority, -5);
  EXPECT_EQ(b.max_failures, (FailureShare{2, false}));
  EXPECT_EQ(b.silence, (SilencePolicy{seconds(300), false, std::chrono::hours(24), false}));
  EXPECT_EQ(c.silence, (SilencePolicy{kUnreachableAfter, false, kShortestLost, false}));
  EXPECT_EQ(d.silence, SilencePolicy{});
  EXPECT_EQ(d.max_failures, FailureShare{});
  EXPECT_FALSE(d.run_timeout);
}

TEST(JobReader, ReadsWhenAProjectStartsByItself) {
  JobFileReading reading = ReadJobFile(
      "projects:\n"
      "  a: {run: x, crontab: '*/10 8 * * *', timezone: UTC, catch_up: none, overlap: queue, splay: 10m}\n"
      "  b: {run: x, crontab: '@daily'}\n"
      "  c: {run: x, crontab: '@daily', disabled: yes}\n"
      "  d: {run: x, crontab: , timezone: , catch_up: , overlap: , splay: }\n",
      "f");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  EXPECT_TRUE(reading.diagnostics.empty()) << ErrorText(reading.diagnostics);
  const Project &a = reading.file->projects[0], &b = reading.file->projects[1];
  ASSERT_TRUE(a.schedule && b.schedule);
  EXPECT_EQ(*a.schedule, (Schedule{"*/10 8 * * *", *ParseCron("*/10 8 * * *"), "UTC", CatchUp::kNone, Overlap::kQueue,
                                   std::chrono::minutes(10)}));
  EXPECT_EQ(*b.schedule, (Schedule{.crontab = "@daily", .cron = *ParseCron("@daily")}));
  EXPECT_EQ(reading.file->projects[2].schedule, nullptr);
  EXPECT_TRUE(reading.file->projects[2].disabled);
  EXPECT_EQ(reading.file->projects[3].schedule, nullptr);
}

TEST(JobReader, ReadsWhatPushesStart) {
  JobFileReading reading = ReadJobFile(
      "projects:\n"
      "  a: {path: 'https://h/x.git', action: x, trigger: yes, poll_interval: 5m, hook: {secret: s}}\n"
      "  b: {path: 'https://h/x.git', action: x, hook: {secret: s}, overlap: allow}\n"
      "  c: {path: 'https://h/x.git', action: x, trigger: yes, disabled: yes}\n"
      "  d: {path: 'https://h/x.git', action: x, trigger: no, poll_interval: 10s}\n",
      "f");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  EXPECT_TRUE(reading.diagnostics.empty()) << ErrorText(reading.diagnostics);
  const auto& projects = reading.file->projects;
  ASSERT_TRUE(projects[0].push && projects[1].push);
  EXPECT_EQ(*projects[0].push, (PushTrigger{true, std::chrono::minutes(5), "s", Overlap::kQueue}));
  EXPECT_EQ(*projects[1].push, (PushTrigger{false, seconds(60), "s", Overlap::kAllow}));
  EXPECT_EQ(projects[2].push, nullptr);
  EXPECT_EQ(projects[3].push, nullptr);
}

TEST(JobReader, APollThatIsTooShortIsRefusedWithItsPlace) {
  JobFileReading reading =
      ReadJobFile("projects: {a: {path: 'https://h/x.git', action: x, trigger: yes, poll_interval: 0}}", "f");
  EXPECT_FALSE(reading.file);
  EXPECT_EQ(ErrorText(reading.diagnostics), "f:1:81: error: 'poll_interval' must be at least 1.0s");
}

}  // namespace
}  // namespace cromt
