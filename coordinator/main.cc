// cromt-coordinator.
#include "coordinator/program.h"

int main(int argc, char** argv) {
  return cromt::RunCoordinatorProgram(argc, argv);
}
