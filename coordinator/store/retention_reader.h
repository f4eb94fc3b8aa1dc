// What retention asks of the store: what there is that may go. A connection of its own, one thread; the loop decides
// again about what is found here, since it may be old by then.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/effect.h"
#include "core/retention.h"
#include "io/sqlite/database.h"

namespace cromt {

class RetentionReader {
 public:
  static Result<RetentionReader> Open(const std::string& path);

  // All that have a run or a line of the ledger, by name.
  Result<std::vector<std::string>> Projects();

  // Of a project's finished runs those that the sieve lets go, from number `below` downwards, which it then lowers:
  // nothing is found from there on once it is empty. At most `most`.
  Result<std::vector<RunRemoved>> Excess(const std::string& project, RunSieve& sieve, int64_t& below, size_t most,
                                         Wall now);

  // The newest line of a project's ledger that goes, with all before it; nullopt if none does.
  Result<std::optional<int64_t>> ExcessTicks(const std::string& project, Duration age, Wall now);

  // SHA-256 of all files of repositories that some plan names. kCorrupt if one can't be read. Linear in all plans.
  Result<std::set<std::string>> Trees();

  // Whether rows are left of runs that were removed, or it is time to forget one.
  Result<bool> HasRemnants(Wall forget_before);

  // What is known of who has said something.
  struct Speaker {
    bool known = false;              // there is such a run
    bool removed = false;            // there was, or its output was removed
    std::optional<Wall> finished{};  // nullopt: it goes on
  };
  Result<Speaker> SpeakerOf(const RunId& run);

 private:
  sqlite::Database db_;
};

}  // namespace cromt
