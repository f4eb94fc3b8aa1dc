// Secrets that prove who calls: random, kept here only as their hashes.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace cromt {

// "cromt_KIND_" and 32 characters of [a-z2-7] (160 bits).
std::string NewToken(std::string_view kind, Random& random);

inline constexpr std::string_view kUserToken = "user";
inline constexpr std::string_view kJoinToken = "join";

// True for what NewToken makes of this kind; says nothing of whether it is good.
bool IsToken(std::string_view text, std::string_view kind);

// What is kept of one, and what it is looked up by. Since a token is random, its hash needs no salt; and since the hash
// is what is compared, how long a comparison takes tells nothing of the token.
std::string TokenHash(std::string_view token);

}  // namespace cromt
