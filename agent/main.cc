// cromt-agent.
#include "agent/program.h"

int main(int argc, char** argv) {
  return cromt::RunAgentProgram(argc, argv);
}
