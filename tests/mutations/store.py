"""The store: coordinator/store."""

from mutation import Mutation

STORE = "coordinator/store/sqlite_store.cc"
ROWS = "coordinator/store/rows.cc"
READER = "coordinator/store/reader.cc"

MUTATIONS = [
    Mutation("oldest-of-a-commit-stays", "Of several changes of a task in one commit the first is what is read.", STORE,
             "  for (size_t i = records.size(); i-- > 0;)", "  for (size_t i = 0; i < records.size(); ++i)", 10),
    Mutation("stop-is-not-stored", "That a task is to be stopped is not in the store.", STORE,
             "row.Put(s.reason).Put(int64_t{s.stop_wanted});", "row.Put(s.reason).Put(int64_t{s.stop_wanted && s.log_bytes > 0});", 60),
    Mutation("tries-are-not-stored", "How often a task was tried is not in the store.", STORE,
             "row.Put(s.log_bytes).Put(int64_t{s.tries})", "row.Put(s.log_bytes).Put(int64_t{s.tries / 2})", 60),
    Mutation("cancel-is-not-stored", "That a run is to be canceled is not in the store.", STORE,
             ".Put(s.reason).Put(static_cast<int64_t>(s.cancel));", ".Put(s.reason).Put(static_cast<int64_t>(s.cancel) / 2);", 60),
    Mutation("commit-without-the-last", "The last record of a large commit is not written.", STORE,
             "  for (size_t i = 0; i < records.size(); ++i) {\n    CROMT_TRY(Write(records[i]));",
             "  for (size_t i = 0; i < records.size() - (records.size() > 20); ++i) {\n    CROMT_TRY(Write(records[i]));", 40),
    Mutation("rolled-back-and-said-yes", "A commit that writes more than a few records is rolled back and called done.", STORE,
             "  CROMT_TRY(WriteStamp());\n  return sql_->commit.Run();", "  CROMT_TRY(WriteStamp());\n  return records.size() > 40 ? sql_->rollback.Run() : sql_->commit.Run();", 60),
]
