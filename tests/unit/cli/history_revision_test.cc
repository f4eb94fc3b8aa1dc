// cromt history diff, show, apply
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::HasSubstr;

class HistoryRevisionTest : public CliTest {
 protected:
  HistoryRevisionTest() {
    const auto revision = [](uint64_t number, const std::string& text, uint64_t before) {
      return RevisionText{
          {number, "mesh", "/srv/jobs.yaml", "alice", At(static_cast<int64_t>(number) * 1000), {}}, text, before, 7};
    };
    control_.revisions = {revision(2, "projects:\n  a: {run: one}\n", 0),
                          revision(5, "projects:\n  a: {run: two}\n", 2),
                          revision(7, "projects:\n  a: {run: two}\n  b: {run: \"\x1b[2J\"}\n", 5)};
    control_.apply_answer = ApplyAnswer{.file = "mesh", .revision = 8, .changed = {"a"}, .gone = {"b"}};
  }
};

TEST_F(HistoryRevisionTest, DiffSaysWhatItChangedInItsFile) {
  EXPECT_EQ(Cromt({"history", "diff", "5"}), 0);
  EXPECT_EQ(out(),
            "--- /srv/jobs.yaml\trevision 2, 2026-11-22T18:34:33.000000Z, alice\n"
            "+++ /srv/jobs.yaml\trevision 5, 2026-11-22T18:34:36.000000Z, alice\n"
            "@@ -1,2 +1,2 @@\n"
            " projects:\n"
            "-  a: {run: one}\n"
            "+  a: {run: two}\n");
}

TEST_F(HistoryRevisionTest, DiffOfTheFirstIsAllOfIt) {
  EXPECT_EQ(Cromt({"history", "diff", "2"}), 0);
  EXPECT_THAT(out(), HasSubstr("--- /dev/null\n+++ /srv/jobs.yaml\trevision 2"));
  EXPECT_THAT(out(), HasSubstr("@@ -0,0 +1,2 @@\n+projects:\n"));
}

TEST_F(HistoryRevisionTest, DiffAgainstAnother) {
  EXPECT_EQ(Cromt({"history", "diff", "7", "2"}), 0);
  EXPECT_THAT(out(), HasSubstr("--- /srv/jobs.yaml\trevision 2"));
  EXPECT_THAT(out(), HasSubstr("+  b: {run:"));
  EXPECT_EQ(Cromt({"history", "diff", "5", "5"}), 0);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err(), "cromt: the two texts are the same\n");
}

TEST_F(HistoryRevisionTest, OnATerminalItIsColouredAndHarmless) {
  terminal_ = true;
  environment_["TERM"] = "xterm";
  EXPECT_EQ(Cromt({"history", "diff", "7"}), 0);
  EXPECT_THAT(out(), HasSubstr("\x1b[32m+  b: {run: \"^[[2J\"}\x1b[0m\n"));
  EXPECT_EQ(Cromt({"history", "show", "7"}), 0);
  EXPECT_THAT(out(), HasSubstr("b: {run: \"^[[2J\"}\n"));
  EXPECT_EQ(Cromt({"history", "diff", "7", "--no-color"}), 0);
  EXPECT_THAT(out(), HasSubstr("\n+  b: {run: \"^[[2J\"}\n"));
}

TEST_F(HistoryRevisionTest, ShowIsTheTextToTheByte) {
  EXPECT_EQ(Cromt({"history", "show", "7"}), 0);
  EXPECT_EQ(out(), control_.revisions[2].text);
}

TEST_F(HistoryRevisionTest, InJson) {
  EXPECT_EQ(Cromt({"history", "show", "2", "-o", "json"}), 0);
  EXPECT_EQ(out(),
            "{\"revision\":2,\"at\":\"2026-11-22T18:34:33.000000Z\",\"author\":\"alice\",\"file\":\"mesh\",\"path\":"
            "\"/srv/jobs.yaml\",\"text\":\"projects:\\n  a: {run: one}\\n\"}\n");
  EXPECT_EQ(Cromt({"history", "diff", "2", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr("\"against\":null,\"diff\":\"--- /dev/null\\n"));
  EXPECT_EQ(Cromt({"history", "diff", "5", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr("\"against\":2,"));
}

TEST_F(HistoryRevisionTest, ApplyPutsTheTextBackUnderItsPath) {
  EXPECT_EQ(Cromt({"history", "apply", "2", "--prune", "--if-revision", "7"}), 0);
  ASSERT_EQ(control_.applied.size(), 1u);
  EXPECT_EQ(control_.applied[0].path, "/srv/jobs.yaml");
  EXPECT_EQ(control_.applied[0].text, "projects:\n  a: {run: one}\n");
  EXPECT_EQ(control_.applied[0].if_revision, 7u);
  EXPECT_TRUE(control_.applied[0].prune);
  EXPECT_FALSE(control_.applied[0].dry_run);
  EXPECT_EQ(out(), "mesh: revision 8\n  ~ a\n  - b\n");
  EXPECT_EQ(err(), "");
}

TEST_F(HistoryRevisionTest, ApplyTriesFirst) {
  EXPECT_EQ(Cromt({"history", "apply", "2", "--dry-run"}), 0);
  EXPECT_TRUE(control_.applied[0].dry_run);
  EXPECT_THAT(out(), HasSubstr("mesh: would change\n"));
}

TEST_F(HistoryRevisionTest, TheNewestIsThereAlready) {
  control_.apply_answer = ApplyAnswer{.file = "mesh", .revision = 7};
  EXPECT_EQ(Cromt({"history", "apply", "7"}), 0);
  EXPECT_EQ(out(), "mesh: no project changes, revision 7\n");
  EXPECT_EQ(err(), "cromt: revision 7 is the newest of its file already\n");
}

TEST_F(HistoryRevisionTest, WhatCantBePutBackIsSaidAsOfAFile) {
  control_.apply_answer = Fail(ErrorCode::kInvalid, "/srv/jobs.yaml:2:3: error: unknown key 'hots'");
  EXPECT_EQ(Cromt({"history", "apply", "2"}), 2);
  EXPECT_EQ(err(), "/srv/jobs.yaml:2:3: error: unknown key 'hots'\n");
}

TEST_F(HistoryRevisionTest, WantsToKnowWhatIsMeant) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"history", "diff"},
                                                {"history", "show"},
                                                {"history", "apply"},
                                                {"history", "show", "x"},
                                                {"history", "show", "99"},
                                                {"history", "show", "5", "2"},
                                                {"history", "apply", "5", "2"},
                                                {"history", "a", "5"},
                                                {"history", "a", "--prune"},
                                                {"history", "show", "5", "--dry-run"},
                                                {"history", "diff", "5", "--limit", "2"},
                                                {"history", "a", "--project", "b"}}) {
    EXPECT_EQ(Cromt(wrong), 2) << wrong.back();
    EXPECT_EQ(out(), "");
  }
  Cromt({"history", "show"});
  EXPECT_THAT(err(), HasSubstr("cromt history --project show"));
  EXPECT_TRUE(control_.applied.empty());
}

TEST_F(HistoryRevisionTest, AProjectMayBeCalledLikeAVerb) {
  control_.listed_projects = {{.name = "show", .file = "f", .revision = 1}};
  EXPECT_EQ(Cromt({"history", "--project", "show"}), 0);
  EXPECT_EQ(control_.project, "show");
}

}  // namespace
}  // namespace cromt::cli
