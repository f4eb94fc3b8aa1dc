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
  TicketKey key = *TicketKey::Open(dir + "/key");
  Digest blob{std::string(64, 'a'), 5};
  std::string ticket = key.TicketFor(blob);
  EXPECT_EQ(ticket.size(), 64u);
  EXPECT_TRUE(key.Admits(ticket, blob));
  EXPECT_FALSE(key.Admits(ticket, {std::string(64, 'b'), 5}));
  EXPECT_FALSE(key.Admits(ticket, {std::string(64, 'a'), 6}));
  EXPECT_FALSE(key.Admits("", blob));
  EXPECT_FALSE(key.Admits(ticket.substr(1), blob));
  EXPECT_FALSE(TicketKey::Open(dir + "/other")->Admits(ticket, blob));
  EXPECT_TRUE(TicketKey::Open(dir + "/key")->Admits(ticket, blob));  // it is kept
  struct stat info {};
  ASSERT_EQ(::stat((dir + "/key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace cromt
