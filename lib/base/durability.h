// What must outlive what: said by whoever opens a store, a journal or a log.
#pragma once

namespace cromt {

enum class Durability {
  kHost,     // what was written outlives a crash of the host: it is synced
  kProcess,  // it outlives the process only (the page cache does), for what nothing resumes after a boot; nothing is
             // synced
};

}  // namespace cromt
