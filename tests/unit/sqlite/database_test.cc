// Goal: a statement that is prepared again is as good as new, however the last user left it. Method: users that leave
// rows, parameters, errors and locks behind; on a simulated disk, whose calls show what SQLite does.
#include "io/sqlite/database.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/disk/sim_disk.h"

namespace cromt::sqlite {
namespace {

using testing::ElementsAre;

struct DatabaseTest : testing::Test {
  DatabaseTest() {
    disk.MakeDirectory("d", 0700);
    db = OpenAnother();
    Execute("PRAGMA journal_mode = WAL");
    Execute("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2), (3)");
  }
  Database OpenAnother() { return *Database::Open("d/db", Database::Mode::kReadWrite, disk); }
  void Execute(const std::string& sql) {
    const Status done = db.Execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  static std::vector<int64_t> Rows(Statement& statement) {
    std::vector<int64_t> rows;
    while (*statement.Step()) rows.push_back(statement.Int(0));
    return rows;
  }

  sim::SimDisk disk{1};
  Database db;
};

TEST_F(DatabaseTest, WhatIsPreparedAgainBeginsAtTheFirstRow) {
  {
    auto left = db.Prepare("SELECT n FROM t ORDER BY n");
    ASSERT_TRUE(*left->Step());
  }
  auto again = db.Prepare("SELECT n FROM t ORDER BY n");
  EXPECT_THAT(Rows(*again), ElementsAre(1, 2, 3));
}

TEST_F(DatabaseTest, WhatIsPreparedAgainHasNoParametersOfEarlier) {
  const std::string sql = "SELECT n FROM t WHERE n = ? OR ? IS NULL";
  {
    auto left = db.Prepare(sql);
    EXPECT_THAT(Rows(left->Bind(1, int64_t{2}).Bind(2, int64_t{0})), ElementsAre(2));
  }
  auto again = db.Prepare(sql);
  EXPECT_THAT(Rows(*again), ElementsAre(1, 2, 3)) << "all parameters are null";
}

TEST_F(DatabaseTest, TwoAtATimeOfOneTextKnowNothingOfEachOther) {
  const std::string sql = "SELECT n FROM t WHERE n >= ? ORDER BY n";
  { auto idle = db.Prepare(sql); }
  auto one = db.Prepare(sql), other = db.Prepare(sql);
  ASSERT_TRUE(*one->Bind(1, int64_t{1}).Step());
  EXPECT_THAT(Rows(other->Bind(1, int64_t{2})), ElementsAre(2, 3));
  EXPECT_EQ(one->Int(0), 1);
  EXPECT_THAT(Rows(*one), ElementsAre(2, 3));
}

TEST_F(DatabaseTest, WhatHasFailedMayBePreparedAgain) {
  Execute("CREATE UNIQUE INDEX once ON t (n)");
  {
    auto left = db.Prepare("INSERT INTO t VALUES (?)");
    EXPECT_FALSE(left->Bind(1, int64_t{3}).Step());
  }
  auto again = db.Prepare("INSERT INTO t VALUES (?)");
  EXPECT_TRUE(again->Bind(1, int64_t{4}).Run());
}

TEST_F(DatabaseTest, WhatIsIdleSeesAnotherSchema) {
  { auto left = db.Prepare("SELECT * FROM t"); }
  Execute("ALTER TABLE t ADD COLUMN m");
  auto again = db.Prepare("SELECT * FROM t");
  ASSERT_TRUE(*again->Step());
  EXPECT_EQ(again->columns(), 2);
}

TEST_F(DatabaseTest, WhatIsIdleHoldsNothing) {
  {
    auto left = db.Prepare("SELECT n FROM t");
    ASSERT_TRUE(*left->Step());
  }
  Database other = OpenAnother();
  ASSERT_TRUE(other.Execute("INSERT INTO t VALUES (9)"));
  auto log = other.Prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_TRUE(*log->Step());
  EXPECT_EQ(log->Int(0), 0) << "somebody still reads what was before";
  EXPECT_EQ(disk.Size("d/db-wal"), 0);
}

TEST_F(DatabaseTest, StatementMayLiveLongerThanItsDatabase) {
  auto statement = db.Prepare("SELECT n FROM t");
  { auto idle = db.Prepare("SELECT count(*) FROM t"); }
  db = Database();
  EXPECT_THAT(Rows(*statement), ElementsAre(1, 2, 3));
  statement = Statement();
  EXPECT_EQ(disk.Size("d/db-wal"), -1) << "the connection has not ended";
}

// The first two hundred are long gone then.
TEST_F(DatabaseTest, MoreThanAreKeptAreAsGood) {
  for (int round = 0; round < 2; ++round)
    for (int64_t n = 0; n < 300; ++n) {
      auto query = db.Prepare(fmt::format("SELECT {}", n));
      EXPECT_THAT(Rows(*query), ElementsAre(n));
    }
}

}  // namespace
}  // namespace cromt::sqlite
