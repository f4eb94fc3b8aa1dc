#include "base/size.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

TEST(Size, UnitsOfBothKinds) {
  EXPECT_EQ(*ParseSize("512"), 512);
  EXPECT_EQ(*ParseSize("512B"), 512);
  EXPECT_EQ(*ParseSize("256MiB"), 256 << 20);
  EXPECT_EQ(*ParseSize("20GB"), 20'000'000'000);
  EXPECT_EQ(*ParseSize("1024TiB"), int64_t{1} << 50);
}

TEST(Size, AnythingElseIsRefused) {
  for (const char* text :
       {"", "MiB", "5 MiB", "-5", "5mib", "1.5GiB", "1025TiB", "9223372036854775807KiB", "99999999999999999999"})
    EXPECT_FALSE(ParseSize(text)) << text;
  EXPECT_EQ(ParseSize("5 bananas").error().message, "'5 bananas' is not a size such as 512, 256MiB or 20GB");
}

}  // namespace
}  // namespace cromt
