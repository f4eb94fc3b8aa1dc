// One thing wrong in a message that is right otherwise, and the exact complaint.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/result.h"

namespace cromt::wire {

template <class Proto>
struct Hostile {
  const char* name;
  std::function<void(Proto&)> spoil;
  std::string complaint;
  ErrorCode code = ErrorCode::kInvalid;
};

template <class Proto>
void PrintTo(const Hostile<Proto>& hostile, std::ostream* out) {
  *out << hostile.name;
}

// Names the cases of a suite.
inline constexpr auto kCaseName = [](const auto& test) { return std::string(test.param.name); };

inline const std::string kNameRules =
    "use letters, digits, '_', '.', '-', not beginning with '.' or '-', at most 128 bytes";

// The good value passes, and no longer once it is spoiled.
template <class Proto, class Core>
void ExpectRefused(const Hostile<Proto>& hostile, const Core& good) {
  Proto proto;
  ToProto(good, proto);
  auto passed = FromProto(proto);
  ASSERT_TRUE(passed) << passed.error().message;
  hostile.spoil(proto);
  auto read = FromProto(proto);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, hostile.complaint);
  EXPECT_EQ(read.error().code, hostile.code);
}

}  // namespace cromt::wire
