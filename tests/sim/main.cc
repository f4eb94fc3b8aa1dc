#include "tests/sim/program.h"

int main(int argc, char** argv) {
  return cromt::sim::RunProgram(argc, argv);
}
