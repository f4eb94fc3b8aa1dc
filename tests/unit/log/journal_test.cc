#include "io/log/journal.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace cromt::log {
namespace {

TEST(Journal, AMessageIsAFieldALine) {
  const std::array<Field, 2> fields = {Field{"PRIORITY", "4"}, Field{"MESSAGE", "a=b"}};
  EXPECT_EQ(JournalMessage(fields), "PRIORITY=4\nMESSAGE=a=b\n");
}

TEST(Journal, WhatHasLinesIsCountedInstead) {
  const std::array<Field, 1> fields = {Field{"MESSAGE", "two\nlines"}};
  using namespace std::string_literals;
  EXPECT_EQ(JournalMessage(fields), "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n"s);
}

TEST(Journal, IsKnownByItsDeviceAndInode) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd one(ends[0]), other(ends[1]);
  struct stat info {};
  ASSERT_EQ(::fstat(one.get(), &info), 0);
  const std::string named = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  EXPECT_TRUE(IsJournal(one.get(), named.c_str()));
  EXPECT_FALSE(IsJournal(one.get(), nullptr));
  EXPECT_FALSE(IsJournal(one.get(), (named + "0").c_str()));
  EXPECT_FALSE(IsJournal(-1, named.c_str()));
}

TEST(Journal, GetsWhatIsWrittenAndItsAbsenceIsNoticed) {
  const std::string path = testing::TempDir() + "/journal-" + std::to_string(::getpid());
  Journal journal(path);
  const std::array<Field, 1> fields = {Field{"MESSAGE", "hello"}};
  EXPECT_FALSE(journal.Write(fields));
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(journal.Write(fields));
  char buffer[64];
  const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  EXPECT_EQ(std::string(buffer, got > 0 ? static_cast<size_t>(got) : 0), "MESSAGE=hello\n");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace cromt::log
