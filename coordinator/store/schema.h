// The tables of the coordinator's SQLite file, version 10.
//
//   meta         what the file is: schema version, and the stamp of the last commit (stamp.h)
//   files        the newest revision of each job file; `revisions` has them all, with the text
//   projects     who owns which project
//   changes      what each revision did to which project: added, changed, gone (left the file, kept), removed
//   runs         one row a run; `n` is its short key; `cancel` is 0, 1 (all but clean-ups) or 2
//   plans        the plan of a run, cromt.v1.Plan
//   tasks        where each task stands now
//   transitions  every committed change of a run (task -1) or a task, in order: what watchers follow;
//                `agent` is who the attempt was leased to, in the row that says so
//   artifacts    what the tasks of a run have published, and who keeps it; `ticket` is the keeper's grant
//                (io/blob/ticket.h), named when agents could use it themselves
//   images       of which image the container of an attempt was made, for attempts that had one and have ended
//   lanes_held   lost attempts that still hold lanes of the mesh; `lanes` are their names, one a line
//   kept         attempts that agents had when the store was recovered and that fit nothing in it
//   agents       how far the reports of an agent's journal are applied, and its labels, one NAME=VALUE a line
//   schedules    how far the schedule of a project has come (ScheduleSet of core/effect.h)
//   ticks        the ledger: a line for each tick, in the order in which they were settled
//   drained      agents that are out of service, by address
//   pauses       what nothing starts by itself; of all projects under the name ''
//   triggers     what is known of the refs that start projects by pushes (TriggerSet of core/effect.h)
//   removed      runs that retention has taken out, as long as they are still known (core/retention.h); `n` is the
//   number
//                that they had, `remnants` whether rows of it are left in other tables
//   output_removed  runs whose output is no more
//
// Times are UTC microseconds; states and outcomes the words of core/model.cc. `sum` is the checksum of the columns
// before it (row_sum.h); of `runs`, `head_sum` is that of the columns before it, and `sum` that of `n` and those
// between; `text_sum` is that of `text`.
//
// A change of the schema: a new version here, a step from the one before in migration.cc.
#pragma once

#include <cstdint>

namespace cromt {

inline constexpr int kSchemaVersion = 10;
inline constexpr int kFirstSummedSchema = 6;      // rows of older ones have no sums
inline constexpr int kFirstImagesSchema = 8;      // older ones have no such table
inline constexpr int kFirstTicksSchema = 9;       // nor these: kTickTables
inline constexpr int kFirstTriggersSchema = 10;   // nor this: kTriggerTables
inline constexpr int kFirstRetentionSchema = 10;  // nor these: kRetentionTables
// Says in the file's header whose it is: "crmt".
inline constexpr uint32_t kApplicationId = 0x63726D74;

inline constexpr char kTickTables[] = R"sql(
CREATE TABLE schedules (project TEXT PRIMARY KEY, revision INTEGER NOT NULL, ticks TEXT NOT NULL,
  handled_us INTEGER NOT NULL, boot TEXT NOT NULL, waiting_us INTEGER) WITHOUT ROWID;
CREATE TABLE ticks (n INTEGER PRIMARY KEY, project TEXT NOT NULL, revision INTEGER NOT NULL, first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL, count INTEGER NOT NULL, outcome TEXT NOT NULL, run TEXT NOT NULL, why TEXT NOT NULL,
  at_us INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE INDEX ticks_by_project ON ticks (project, n);
CREATE TABLE drained (address TEXT PRIMARY KEY, why TEXT NOT NULL, author TEXT NOT NULL, since_us INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE pauses (project TEXT PRIMARY KEY, why TEXT NOT NULL, author TEXT NOT NULL, since_us INTEGER NOT NULL,
  until_us INTEGER) WITHOUT ROWID;
)sql";

inline constexpr char kTriggerTables[] = R"sql(
CREATE TABLE triggers (project TEXT PRIMARY KEY, repository TEXT NOT NULL, ref TEXT NOT NULL, seen TEXT NOT NULL,
  waiting TEXT NOT NULL, trigger TEXT NOT NULL, since_us INTEGER NOT NULL, hooked INTEGER NOT NULL) WITHOUT ROWID;
)sql";

inline constexpr char kRetentionTables[] = R"sql(
CREATE TABLE removed (seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, request TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL, why TEXT NOT NULL, at_us INTEGER NOT NULL, sum INTEGER NOT NULL, remnants INTEGER NOT NULL);
CREATE INDEX removed_remnants ON removed (seq) WHERE remnants = 1;
CREATE TABLE output_removed (run INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, why TEXT NOT NULL, at_us INTEGER NOT NULL,
  sum INTEGER NOT NULL);
)sql";

inline constexpr char kSchema[] = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE files (file TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE revisions (revision INTEGER PRIMARY KEY, file TEXT NOT NULL, path TEXT NOT NULL, author TEXT NOT NULL,
  request TEXT NOT NULL, at_us INTEGER NOT NULL, text_sum INTEGER NOT NULL, sum INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX revisions_by_file ON revisions (file, revision);
CREATE TABLE changes (project TEXT NOT NULL, revision INTEGER NOT NULL, what TEXT NOT NULL,
  PRIMARY KEY (project, revision)) WITHOUT ROWID;
CREATE INDEX changes_by_revision ON changes (revision, what, project);
CREATE TABLE projects (name TEXT PRIMARY KEY, file TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request TEXT NOT NULL UNIQUE, project TEXT NOT NULL,
  trigger TEXT NOT NULL, revision INTEGER NOT NULL, author TEXT NOT NULL, created_at_us INTEGER NOT NULL,
  head_sum INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT, reason TEXT NOT NULL, cancel INTEGER NOT NULL,
  timed_out INTEGER NOT NULL, started_at_us INTEGER, finished_at_us INTEGER, sum INTEGER NOT NULL);
CREATE INDEX runs_by_project ON runs (project, n);
CREATE INDEX runs_unfinished ON runs (n) WHERE state <> 'finished';
CREATE TABLE plans (run INTEGER PRIMARY KEY, plan BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE tasks (run INTEGER NOT NULL, task INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT, attempt INTEGER NOT NULL,
  agent TEXT NOT NULL, journal TEXT NOT NULL, exit_code INTEGER, signal INTEGER, reason TEXT NOT NULL,
  stop_wanted INTEGER NOT NULL, queued_at_us INTEGER, started_at_us INTEGER, finished_at_us INTEGER,
  log_bytes INTEGER NOT NULL, tries INTEGER NOT NULL, retry_at_us INTEGER,
  ignored INTEGER NOT NULL, losses INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (run, task)) WITHOUT ROWID;
CREATE TABLE transitions (seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL, outcome TEXT, reason TEXT NOT NULL, at_us INTEGER NOT NULL, agent TEXT NOT NULL,
  sum INTEGER NOT NULL);
CREATE INDEX transitions_by_run ON transitions (run, seq);
CREATE TABLE artifacts (run INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, attempt INTEGER NOT NULL,
  agent TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, archive INTEGER NOT NULL, ticket TEXT NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (run, task, name)) WITHOUT ROWID;
CREATE TABLE images (run INTEGER NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL, digest TEXT NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (run, task, attempt)) WITHOUT ROWID;
CREATE TABLE lanes_held (run TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL, agent TEXT NOT NULL,
  host TEXT NOT NULL, project TEXT NOT NULL, lanes TEXT NOT NULL, PRIMARY KEY (run, task, attempt)) WITHOUT ROWID;
CREATE TABLE kept (agent TEXT NOT NULL, run TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
  PRIMARY KEY (agent, run, task, attempt)) WITHOUT ROWID;
CREATE TABLE agents (agent TEXT PRIMARY KEY, journal TEXT NOT NULL, address TEXT NOT NULL,
  applied_sequence INTEGER NOT NULL, labels TEXT NOT NULL) WITHOUT ROWID;
)sql";

}  // namespace cromt
