// Modules of a task: installed once by the installer of their language, found by its programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Modules : public ::testing::Test {
 protected:
  void Write(const std::string& path, std::string_view text) { repository_.Write("tasks/t/" + path, text); }
  // An installer that says how it was called, and that it was.
  void Fake(const std::string& name, std::string_view script) {
    repository_.Write("fake/" + name, std::string("#!/bin/sh\necho called >>\"$LOG\"\n").append(script));
    repository_.MakeExecutable("fake/" + name);
  }
  StepResult Run() {
    return RunSteps(repository_.path(), {"t"},
                    {{"HOME", repository_.path() + "/home"},
                     {"LOG", repository_.path() + "/log"},
                     {"PATH", repository_.path() + "/fake:/usr/local/bin:/usr/bin:/bin"}});
  }
  size_t Calls() const {
    std::ifstream log(repository_.path() + "/log");
    size_t calls = 0;
    for (std::string line; std::getline(log, line);) ++calls;
    return calls;
  }
  TemporaryRepository repository_;
};

TEST_F(Modules, OfPerlAreInstalledOnce) {
  Fake("cpanm",
       "mkdir -p \"$4/lib/perl5\"; echo 'package Own; sub text { \"from own\" } 1;' >\"$4/lib/perl5/Own.pm\"\n");
  Write("cpanfile", "requires 'Own';\n");
  Write("task.pl", "use Own; print Own::text(), \"\\n\";\n");
  for (int i = 0; i < 3; ++i) {
    StepResult result = Run();
    EXPECT_EQ(result.out, "from own\n") << result.err << result.notes;
    EXPECT_EQ(result.code, 0);
  }
  EXPECT_EQ(Calls(), 1u);
  Write("cpanfile", "requires 'Own';\nrequires 'Other';\n");
  EXPECT_EQ(Run().code, 0);
  EXPECT_EQ(Calls(), 2u) << "another text is another installation";
}

TEST_F(Modules, OfPythonComeByPip) {
  // An installer that needs no network: pip's own module, in the place of the real one.
  repository_.Write("fake/pip/__main__.py",
                    "import os, sys\nopen(os.environ['LOG'], 'a').write('called\\n')\n"
                    "to = sys.argv[sys.argv.index('--target') + 1]\nassert sys.argv[-2] == '-r'\n"
                    "open(os.path.join(to, 'own.py'), 'w').write('TEXT = ' + repr(open(sys.argv[-1]).read()))\n");
  repository_.Write("fake/pip/__init__.py", "");
  Write("requirements.txt", "own==1\n");
  Write("task.py", "import own\nprint(own.TEXT, end='')\n");
  const Variables variables = {{"HOME", repository_.path() + "/home"},
                               {"LOG", repository_.path() + "/log"},
                               {"PYTHONPATH", repository_.path() + "/fake"}};
  for (int i = 0; i < 2; ++i) {
    StepResult result = RunSteps(repository_.path(), {"t"}, variables);
    EXPECT_EQ(result.out, "own==1\n") << result.err << result.notes;
  }
  EXPECT_EQ(Calls(), 1u);
}

TEST_F(Modules, OfRubyAreThereByBundler) {
  Fake("bundle",
       "if [ \"$1\" = exec ]; then shift; exec \"$@\"; fi\necho 'puts BUNDLE' >/dev/null\nmkdir -p \"$BUNDLE_PATH\"\n");
  Write("Gemfile", "source 'x'\n");
  Write("task.rb", "puts File.basename(ENV['BUNDLE_GEMFILE']), ENV['BUNDLE_PATH'].include?('ruby-')\n");
  StepResult result = Run();
  EXPECT_EQ(result.out, "Gemfile\ntrue\n") << result.err << result.notes;
  EXPECT_EQ(Calls(), 2u) << "install, and exec";
}

TEST_F(Modules, OfRakuAreNamedOneALine) {
  Fake("zef", "shift 2; echo \"$@\"\n");
  Write("rakufile", "# needed\nJSON::Fast\n  YAMLish \n");
  Write("task.bash", "echo $RAKULIB\n");
  StepResult result = Run();
  EXPECT_THAT(result.out, HasSubstr(" JSON::Fast YAMLish\n")) << result.notes;
  EXPECT_THAT(result.out, HasSubstr("\ninst#" + repository_.path() + "/home/.cache/cromt/modules/raku-"));
}

TEST_F(Modules, AnInstallationThatFailsIsTheTasksEndAndIsNotKept) {
  Fake("cpanm", "echo no network >&2; exit 3\n");
  Write("cpanfile", "requires 'Own';\n");
  Write("task.pl", "print 'never';\n");
  for (size_t calls : {1, 2}) {
    StepResult result = Run();
    EXPECT_EQ(result.code, 3);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "no network\n");
    EXPECT_THAT(result.marks, Contains(Mark(TaskBegan{"cpanfile - tasks/t"})));
    EXPECT_EQ(Calls(), calls);
  }
  EXPECT_TRUE(std::filesystem::is_empty(repository_.path() + "/home/.cache/cromt/modules"));
}

TEST_F(Modules, AMissingInstallerIsNamedWithItsPackage) {
  Write("rakufile", "JSON::Fast\n");
  Write("task.bash", "echo never\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 127);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.notes, HasSubstr("rakufile needs zef, which can't be started"));
  EXPECT_THAT(result.notes, HasSubstr("install raku-zef"));
}

}  // namespace
}  // namespace cromt::step
