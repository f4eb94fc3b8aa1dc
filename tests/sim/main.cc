#include <sqlite3.h>

#include "tests/sim/program.h"

int main(int argc, char** argv) {
  // There is one thread, and nobody asks how much memory SQLite takes: a tenth of all time.
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  return cromt::sim::RunProgram(argc, argv);
}
