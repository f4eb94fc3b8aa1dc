#include "agent/launcher/program.h"

int main(int argc, char** argv) {
  return cromt::launcher::Main(argc, argv);
}
