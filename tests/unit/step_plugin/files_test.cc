// The plugins directory, file and templater, run by the real cromt-step.
#include "scenario_fixture.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Files : public ScenarioTest {
 protected:
  unsigned Mode(const std::string& relative) const {
    struct stat info {};
    EXPECT_EQ(::stat(Path(relative).c_str(), &info), 0) << relative;
    return info.st_mode & 07777;
  }
};

// ---- directory -----------------------------------------------------------------------------------

TEST_F(Files, ADirectoryIsMadeWithItsParentsAndSaysWhatItIs) {
  StepResult result = Run("directory 'a/b', %( mode => '750' );");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("directory path: a/b\ndirectory owner: <"));
  EXPECT_THAT(result.out, HasSubstr("directory access rights: drwxr-x---\n"));
  EXPECT_EQ(Mode("a/b"), 0750u);
  EXPECT_EQ(result.marks[0], Mark(TaskBegan{"task.bash - create directory a/b"}));
  EXPECT_EQ(Run("directory 'a/b';").code, 0);
}

TEST_F(Files, WithoutParentsWhereThatIsAsked) {
  EXPECT_EQ(Plugin("directory", {{"path", "a/b"}, {"recursive", "0"}}).code, 1);
  EXPECT_FALSE(Exists("a"));
}

TEST_F(Files, ADirectoryOfAnyNameComesAndGoes) {
  for (const std::string& name : kHostile) {
    ASSERT_EQ(Run("directory " + Literal(name) + ";").code, 0) << name;
    EXPECT_TRUE(std::filesystem::is_directory(Path(name))) << name;
    repository_.Write("keep", "");
    repository_.Write(name + "/inner/file", "");
    StepResult result = Run("directory-delete " + Literal(name) + ";");
    EXPECT_EQ(result.out, "directory-delete-ok\n") << result.err;
    EXPECT_FALSE(Exists(name)) << name;
    EXPECT_TRUE(Exists("keep"));
  }
}

TEST_F(Files, WhatADeletedLinkNamesStays) {
  repository_.Write("kept/file", "x");
  repository_.Link("kept", "link");
  EXPECT_EQ(Run("directory-delete 'link';").code, 0);
  EXPECT_FALSE(Exists("link"));
  EXPECT_EQ(Read("kept/file"), "x");
}

TEST_F(Files, DeletingADirectoryThatIsAFileIsRefusedAndOneThatIsNotThereIsFine) {
  repository_.Write("f", "x");
  StepResult result = Run("directory-delete 'f';");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("f is no directory"));
  EXPECT_TRUE(Exists("f"));
  EXPECT_EQ(Run("directory-delete 'none';").out, "directory-delete-ok\n");
  for (const char* path : {"/", ".", ".."})
    EXPECT_EQ(Plugin("directory", {{"path", path}, {"action", "delete"}}).code, 1);
  EXPECT_TRUE(Exists("f"));
}

TEST_F(Files, RightsThatAreNoneAreAnError) {
  EXPECT_EQ(Run("directory 'd', %( mode => '-r' );").code, 0);  // a mode that takes, no option
  EXPECT_EQ(Run("directory 'd', %( mode => '700' );").code, 0);
  EXPECT_EQ(Run("directory 'e', %( mode => 'x y' );").code, 1);
  EXPECT_EQ(Run("directory 'e', %( owner => '--reference=keep' );").code, 1);
  EXPECT_EQ(Run("directory 'e', %( owner => '$(touch INJECTED)' );").code, 1);
}

TEST_F(Files, AnUnknownActionIsNamed) {
  for (const char* plugin : {"directory", "file"}) {
    StepResult result = Plugin(plugin, {{"path", "p"}, {"target", "p"}, {"action", "fail; touch INJECTED"}});
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("is create or delete, not 'fail; touch INJECTED'"));
  }
  EXPECT_THAT(Plugin("file", {}).err, HasSubstr("the parameter 'target' is missing"));
}

// ---- file ----------------------------------------------------------------------------------------

TEST_F(Files, AFileGetsItsContentAndItsMode) {
  StepResult result = Run("file 'f', %( content => 'hello', mode => '600' );");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "set target content\ntouch target\ntarget created\nset target mode to 600\n");
  EXPECT_EQ(Read("f"), "hello\n");
  EXPECT_EQ(Mode("f"), 0600u);
  EXPECT_EQ(Run("file 'f';").code, 0);
  EXPECT_EQ(Read("f"), "hello\n");
  EXPECT_EQ(Mode("f"), 0644u);
}

TEST_F(Files, ContentIsKeptToTheByte) {
  for (std::string content :
       {"-n", "-e \\t", "%s\\n", "a\n\n\n", "$(touch INJECTED)`touch INJECTED`", "\xFF\xFE", " x "}) {
    ASSERT_EQ(Run("file 'f', %( content => %*ENV<CONTENT> );", {{"CONTENT", content}}).code, 0);
    EXPECT_EQ(Read("f"), content + "\n");
  }
}

TEST_F(Files, AFileOfAnyNameComesAndGoes) {
  repository_.Write("source", "text");
  for (const std::string& name : kHostile) {
    StepResult result = Run("file " + Literal(name) + ", %( source => 'source' );");
    EXPECT_THAT(result.out, HasSubstr("copy source to target\ntarget created\n")) << result.err;
    EXPECT_EQ(Read(name), "text") << name;
    EXPECT_EQ(Run("file-delete " + Literal(name) + ";").out, "target deleted\n");
    EXPECT_FALSE(Exists(name)) << name;
  }
}

TEST_F(Files, FromASourceOfAnyName) {
  for (const std::string& name : kHostile) {
    repository_.Write(name, name);
    ASSERT_EQ(Run("file 'f', %( source => " + Literal(name) + " );").code, 0) << name;
    EXPECT_EQ(Read("f"), name);
  }
  EXPECT_EQ(Run("file 'f', %( source => 'none' );").code, 1);
}

TEST_F(Files, WhatADeletedLinkToAFileNamesStays) {
  repository_.Write("kept", "x");
  repository_.Link("kept", "link");
  EXPECT_EQ(Run("file-delete 'link';").code, 0);
  EXPECT_FALSE(Exists("link"));
  EXPECT_TRUE(Exists("kept"));
  repository_.Write("d/f", "x");
  EXPECT_EQ(Run("file-delete 'd';").code, 1);
  EXPECT_TRUE(Exists("d/f"));
}

TEST_F(Files, SourceAndContentAtOnceAreRefusedWithTheirPlace) {
  StepResult result = Run("file 'f', %( source => 's', content => 'c' );");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.notes, ".tom/s.raku:1:1: file: it takes a source or a content, not both\n");
}

// ---- template-create -----------------------------------------------------------------------------

class Templates : public Files {
 protected:
  // What a template becomes.
  std::string Fill(const std::string& source, const std::string& variables = "%( a => 'A', b => %( c => 'C' ) )") {
    StepResult result =
        Run("template-create 't', %( source => " + Literal(source) + ", variables => " + variables + " );");
    return result.code == 0 ? Read("t") : "error: " + result.err;
  }
};

TEST_F(Templates, VariablesAreFilledIn) {
  EXPECT_EQ(Fill("[% a %] [%b.c%] $a ${b.c} $b.c \\$a [% none %]$none.\n"), "A C A C C $a .\n");
  EXPECT_EQ(Fill("1 [%# comment %]2\n  [%- a -%]  \n3"), "1 2A3");
  EXPECT_EQ(Fill("$1 $ $( \\\\ 100% [ %]"), "$1 $ $( \\\\ 100% [ %]");
  EXPECT_EQ(Fill("no newline"), "no newline");
}

TEST_F(Templates, WhatAVariableHoldsIsNoTemplate) {
  EXPECT_EQ(Fill("[% a %]|$a", "%( a => " + Literal("[% b %]$b${b}$(touch INJECTED)\\$\n") + ", b => 'B' )"),
            "[% b %]$b${b}$(touch INJECTED)\\$\n|[% b %]$b${b}$(touch INJECTED)\\$\n");
}

TEST_F(Templates, MoreThanVariablesIsRefusedBeforeTheTargetIsTouched) {
  repository_.Write("t", "old");
  EXPECT_EQ(Fill("1\n2 [% IF a %]x[% END %]"),
            "error: line 2 of the template: [% IF a %] is more than a variable, which is all that cromt fills in\n");
  for (const char* source : {"[% END %]", "[% a | html %]", "[% a = 1 %]", "[% a; b %]", "[% 'x' %]", "[% a"})
    EXPECT_THAT(Fill(source), HasSubstr("error: line 1 of the template: ")) << source;
  EXPECT_EQ(Read("t"), "old");
}

TEST_F(Templates, WhatChangedRunsItsHookOnce) {
  const std::string scenario =
      "template-create 't', %( source => 'x', on_change => 'echo changed; cat t', mode => '600' );";
  StepResult result = Run(scenario);
  EXPECT_EQ(result.out,
            "target t updated\nset target mode to 600\nrunning on change hook: echo changed; cat t\nchanged\nx");
  EXPECT_EQ(Mode("t"), 0600u);
  result = Run(scenario);
  EXPECT_EQ(result.out, "target t not changed\nset target mode to 600\n");
  EXPECT_EQ(Run("template-create 't', %( source => 'y', on_change => 'exit 3' );").code, 1);
}

TEST_F(Templates, ATargetOfAnyName) {
  for (const std::string& name : kHostile) {
    ASSERT_EQ(Run("template " + Literal(name) + ", %( source => 'x' );").code, 0) << name;
    EXPECT_EQ(Read(name), "x") << name;
  }
}

}  // namespace
}  // namespace cromt::step
