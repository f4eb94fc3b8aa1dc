// cromt-container BOX: runs the order in BOX. cromt-container --remove ENGINE NAME BOX: removes that container, or what
// the order in BOX has left in another.
#include <cstdio>
#include <string_view>

#include "agent/container/runner.h"

int main(int argc, char** argv) {
  constexpr int kUsage = 2;
  if (argc == 5 && std::string_view(argv[1]) == "--remove") return cromt::container::Remove(argv[2], argv[3], argv[4]);
  if (argc == 2 && argv[1][0] != '-') return cromt::container::Run(argv[1]);
  std::fputs("usage: cromt-container BOX\n       cromt-container --remove ENGINE NAME BOX\n", stderr);
  return kUsage;
}
