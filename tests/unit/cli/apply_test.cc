// cromt --conf FILE
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kJobs = "projects:\n  hello:\n    run: echo hello\n";

TEST_F(CliTest, ApplySendsTheFileWithItsAbsolutePathAndSaysWhatChanged) {
  File("jobs.yaml", kJobs);
  control_.apply_answer =
      ApplyAnswer{.file = "/srv/jobs.yaml", .revision = 3, .added = {"a"}, .changed = {"b"}, .gone = {"c"}};
  EXPECT_EQ(Cromt({"--conf", "./jobs.yaml"}), 0);
  ASSERT_EQ(control_.applied.size(), 1u);
  EXPECT_EQ(control_.applied[0].path, Path("jobs.yaml"));
  EXPECT_EQ(control_.applied[0].text, kJobs);
  EXPECT_EQ(control_.applied[0].author, "alice");
  EXPECT_FALSE(control_.applied[0].request.empty());
  EXPECT_EQ(out(), "/srv/jobs.yaml: revision 3\n  + a\n  ~ b\n  - c (gone from the file, kept; --prune removes it)\n");
  EXPECT_EQ(err(), "");
}

TEST_F(CliTest, ApplyPassesItsOptionsOn) {
  File("jobs.yaml", kJobs);
  EXPECT_EQ(Cromt({"--conf", "jobs.yaml", "--dry-run", "--prune", "--if-revision", "7"}), 0);
  EXPECT_TRUE(control_.applied[0].dry_run);
  EXPECT_TRUE(control_.applied[0].prune);
  EXPECT_EQ(control_.applied[0].if_revision, 7u);
}

TEST_F(CliTest, WithoutConfTheFileInTheHomeDirectoryIsApplied) {
  File("cromtit.yaml", kJobs);
  EXPECT_EQ(Cromt({}), 0);
  EXPECT_EQ(control_.applied[0].path, Path("cromtit.yaml"));
}

TEST_F(CliTest, ApplyInJsonHasOneShape) {
  File("jobs.yaml", kJobs);
  control_.apply_answer = ApplyAnswer{.file = "f", .revision = 2, .added = {"a"}, .warnings = {"f:1:1: warning: old"}};
  EXPECT_EQ(Cromt({"--conf", "jobs.yaml", "-o", "json"}), 0);
  EXPECT_EQ(out(),
            R"({"file":"f","revision":2,"added":["a"],"changed":[],"gone":[],"warnings":["f:1:1: warning: old"]})"
            "\n");
  EXPECT_EQ(err(), "f:1:1: warning: old\n");
}

TEST_F(CliTest, AFileWithErrorsIsNotSentAndEachErrorHasItsPlace) {
  File("jobs.yaml", "projects:\n  hello:\n    run: echo\n    hots: []\n  other: 3\n");
  EXPECT_EQ(Cromt({"--conf", "jobs.yaml"}), 2);
  EXPECT_TRUE(control_.applied.empty());
  EXPECT_THAT(err(), AllOf(HasSubstr("jobs.yaml:4:5: error: "), HasSubstr("\njobs.yaml:5:")));
  EXPECT_EQ(out(), "");
}

TEST_F(CliTest, AMissingFileIsBadInput) {
  EXPECT_EQ(Cromt({"--conf", "nowhere.yaml"}), 2);
  EXPECT_THAT(err(), AllOf(::testing::StartsWith("cromt: "), HasSubstr("nowhere.yaml")));
  EXPECT_TRUE(connected_.empty());
}

TEST_F(CliTest, AProjectOfAnotherFileIsAConflict) {
  File("jobs.yaml", kJobs);
  control_.apply_answer = Fail(ErrorCode::kConflict, "project hello belongs to /other.yaml");
  EXPECT_EQ(Cromt({"--conf", "jobs.yaml"}), 2);
  EXPECT_EQ(err(), "cromt: project hello belongs to /other.yaml\n");
}

TEST_F(CliTest, ADryRunSaysWouldAndAnUnchangedFileSaysSo) {
  File("jobs.yaml", kJobs);
  control_.apply_answer = ApplyAnswer{.file = "f", .revision = 2, .added = {"a"}};
  Cromt({"--conf", "jobs.yaml", "--dry-run"});
  EXPECT_THAT(out(), HasSubstr("would change\n  + a\n"));
  control_.apply_answer = ApplyAnswer{.file = "f", .revision = 2};
  Cromt({"--conf", "jobs.yaml"});
  EXPECT_EQ(out(), "f: no project changes, revision 2\n");
}

// ---- Where the coordinator is -----------------------------------------------------------------

TEST_F(CliTest, WhoCanNotBeReachedIsNamedWithWhatToDo) {
  connect_error_ = Error{ErrorCode::kUnavailable, "Connection refused"};
  EXPECT_EQ(Cromt({"projects"}), 3);
  EXPECT_THAT(err(), AllOf(HasSubstr("cromt: can't reach a coordinator at 127.0.0.1:4001: Connection refused\n"),
                           HasSubstr("cromt: is cromt-coordinator running?"), HasSubstr("cromt run")));
}

TEST_F(CliTest, TheOptionGoesOverTheVariableAndThatOverTheDefault) {
  Cromt({"projects"});
  environment_["CROMT_COORDINATOR"] = "/tmp/c.sock";
  Cromt({"projects"});
  Cromt({"projects", "--coordinator", "host7"});
  Cromt({"--coordinator", "[::1]:99", "projects"});
  EXPECT_EQ(connected_, (std::vector<std::string>{"127.0.0.1:4001", "/tmp/c.sock", "host7:4001", "[::1]:99"}));
}

TEST_F(CliTest, ABadAddressIsBadUsage) {
  EXPECT_EQ(Cromt({"projects", "--coordinator", "host:port"}), 2);
  EXPECT_THAT(err(), HasSubstr("coordinator"));
  EXPECT_TRUE(connected_.empty());
}

}  // namespace
}  // namespace cromt::cli
