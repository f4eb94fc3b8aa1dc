#include "io/blob/ticket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace cromt {
namespace {

TEST(Ticket, IsOfOneBlobAndOneKey) {
  std::string dir = testing::TempDir() + "/tickets";
  std::filesystem::remove_all(dir);
  std::filesystem::create_directory(dir);
  TicketKey key(dir + "/key");
  Digest blob{std::string(64, 'a'), 5};
  std::string ticket = *key.TicketFor(blob);
  EXPECT_EQ(ticket.size(), 64u);
  EXPECT_TRUE(key.Check(ticket, blob));
  EXPECT_FALSE(key.Check(ticket, {std::string(64, 'b'), 5}));
  EXPECT_FALSE(key.Check(ticket, {std::string(64, 'a'), 6}));
  EXPECT_FALSE(key.Check("", blob));
  EXPECT_FALSE(key.Check(ticket.substr(1), blob));
  EXPECT_FALSE(TicketKey(dir + "/other").Check(ticket, blob));
  EXPECT_TRUE(TicketKey(dir + "/key").Check(ticket, blob));  // it is kept
  struct stat info {};
  ASSERT_EQ(::stat((dir + "/key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace cromt
