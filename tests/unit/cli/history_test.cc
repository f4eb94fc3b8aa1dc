// cromt history
#include "cli/clean_text.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::HasSubstr;

class HistoryTest : public CliTest {
 protected:
  HistoryTest() {
    control_.listed_revisions = {
        {3,
         "/srv/jobs.yaml",
         "/srv/jobs.yaml",
         "bob",
         At(3000),
         {.added = {}, .changed = {}, .gone = {}, .removed = {}}},
        {2,
         "mesh",
         "/srv/mesh.yaml",
         "alice",
         At(2000),
         {.added = {"c"}, .changed = {"b"}, .gone = {"d"}, .removed = {"e"}}},
        {1, "mesh", "/srv/mesh.yaml", "", At(1000), {.added = {"a", "b"}, .changed = {}, .gone = {}, .removed = {}}}};
  }
};

TEST_F(HistoryTest, TextSaysNumberTimePersonFileAndChanges) {
  EXPECT_EQ(Cromt({"history"}), 0);
  EXPECT_EQ(out(),
            "REVISION  APPLIED              BY     FILE            CHANGES\n"
            "3         2026-11-22 18:34:34  bob    /srv/jobs.yaml  no project\n"
            "2         2026-11-22 18:34:33  alice  mesh            + c  ~ b  - d (kept)  - e\n"
            "1         2026-11-22 18:34:32  -      mesh            + a, b\n");
  EXPECT_EQ(control_.limit, 50u);
  EXPECT_EQ(control_.project, "");
}

TEST_F(HistoryTest, JsonIsALineARevision) {
  EXPECT_EQ(Cromt({"history", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("history.json"));
  Cromt({"history", "-o", "quiet"});
  EXPECT_EQ(out(), "3\n2\n1\n");
}

TEST_F(HistoryTest, ALongListIsCutShortForPeople) {
  for (int i = 0; i < 30; ++i) control_.listed_revisions[2].changes.added.push_back("p" + std::to_string(i));
  EXPECT_EQ(Cromt({"history"}), 0);
  EXPECT_THAT(out(), HasSubstr("+ a, b, p0, p1, p2, p3, p4, p5, p6, p7 … 22 more\n"));
  terminal_ = true;
  Cromt({"history", "--no-color"});
  std::istringstream lines(out());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(Width(line), 80u) << line;
}

TEST_F(HistoryTest, OfOneProject) {
  EXPECT_EQ(Cromt({"history", "b", "--limit", "7"}), 0);
  EXPECT_EQ(control_.project, "b");
  EXPECT_EQ(control_.limit, 7u);
  EXPECT_EQ(Cromt({"history", "a/b"}), 2);
  EXPECT_EQ(Cromt({"history", "--limit", "0"}), 2);
}

TEST_F(HistoryTest, AnUnknownProjectIsNamedWithTheNearestOne) {
  control_.listed_revisions = {};
  control_.listed_projects = {{.name = "hello", .file = "f", .revision = 1}};
  EXPECT_EQ(Cromt({"history", "helo"}), 2);
  EXPECT_EQ(err(), "cromt: there is no project 'helo'; did you mean 'hello'?\n");
  EXPECT_EQ(out(), "");
  EXPECT_EQ(Cromt({"history"}), 0);
  EXPECT_THAT(out(), HasSubstr("no revisions yet"));
}

TEST_F(HistoryTest, RunsOfAnUnknownProjectSaySo) {
  control_.listed_projects = {{.name = "hello", .file = "f", .revision = 1}};
  EXPECT_EQ(Cromt({"runs", "--project", "zzz"}), 2);
  EXPECT_EQ(err(), "cromt: there is no project 'zzz'\n");
  EXPECT_EQ(Cromt({"runs", "--project", "zzz", "-o", "json"}), 2);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(Cromt({"runs", "--project", "hello"}), 0) << "it has no run yet";
  EXPECT_THAT(out(), HasSubstr("no runs yet"));
  EXPECT_EQ(Cromt({"runs", "--project", "hello", "--local"}), 2);
  EXPECT_EQ(err(), "cromt: no run of 'hello' is kept on this machine\n");
}

}  // namespace
}  // namespace cromt::cli
