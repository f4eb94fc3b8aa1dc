// Files that change their owner. Any thread; blocks.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace cromt {

// Gives a file, or all that lies in a directory and last that, to this user and group; links themselves, not
// what they lead to. REQUIRES: nobody else works in it. Errors name the file.
Status GiveTree(const std::string& path, uid_t user, gid_t group);

}  // namespace cromt
