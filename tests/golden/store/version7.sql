-- A store of version 7, written by cromt of that version: r1 has ended, r2 and r3 go on. Its mark is its stamp.
PRAGMA application_id = 0x63726D74;
PRAGMA user_version = 7;
BEGIN TRANSACTION;
CREATE TABLE agents (agent TEXT PRIMARY KEY, journal TEXT NOT NULL, address TEXT NOT NULL,
  applied_sequence INTEGER NOT NULL, labels TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "agents" VALUES('a','j','x:1',43,'os=linux
');
CREATE TABLE artifacts (run INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, attempt INTEGER NOT NULL,
  agent TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, archive INTEGER NOT NULL, ticket TEXT NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (run, task, name)) WITHOUT ROWID;
INSERT INTO "artifacts" VALUES(2,0,'report',1,'a','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',5,0,'ticket',2003169241);
CREATE TABLE changes (project TEXT NOT NULL, revision INTEGER NOT NULL, what TEXT NOT NULL,
  PRIMARY KEY (project, revision)) WITHOUT ROWID;
INSERT INTO "changes" VALUES('a',1,'added');
INSERT INTO "changes" VALUES('b',1,'added');
CREATE TABLE files (file TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "files" VALUES('mesh',1);
CREATE TABLE kept (agent TEXT NOT NULL, run TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
  PRIMARY KEY (agent, run, task, attempt)) WITHOUT ROWID;
CREATE TABLE lanes_held (run TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL, agent TEXT NOT NULL,
  host TEXT NOT NULL, project TEXT NOT NULL, lanes TEXT NOT NULL, PRIMARY KEY (run, task, attempt)) WITHOUT ROWID;
INSERT INTO "lanes_held" VALUES('r1',0,1,'a','h1 (127.0.0.1:1)','hello','deploy
build
');
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "meta" VALUES('schema',7);
INSERT INTO "meta" VALUES('stamp','cromt-store schema=7 mesh=bgxeqes5nrcc epoch=3 commit=7 went_back=0 runs=1253362ae4b90df9 files=fedab95038d8437d agents=9d317f4c71ecb11c crc=28704462');
CREATE TABLE plans (run INTEGER PRIMARY KEY, plan BLOB NOT NULL, sum INTEGER NOT NULL);
INSERT INTO "plans" VALUES(1,X'0A2E0A097361792068656C6C6F120568656C6C6F220C0A0A6563686F2068656C6C6F48904E5080808080015A030A010012110A026831120B3132372E302E302E313A3122090A0568656C6C6F18022A002A00',346605587);
INSERT INTO "plans" VALUES(2,X'0A2E0A097361792068656C6C6F120568656C6C6F220C0A0A6563686F2068656C6C6F48904E5080808080015A030A010012110A026831120B3132372E302E302E313A3122090A0568656C6C6F18042A002A002A002A00',2911776136);
INSERT INTO "plans" VALUES(3,X'0A2E0A097361792068656C6C6F120568656C6C6F220C0A0A6563686F2068656C6C6F48904E5080808080015A030A010012110A026831120B3132372E302E302E313A3122090A0568656C6C6F18022A002A00',3631008587);
CREATE TABLE projects (name TEXT PRIMARY KEY, file TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "projects" VALUES('a','mesh');
INSERT INTO "projects" VALUES('b','mesh');
CREATE TABLE revisions (revision INTEGER PRIMARY KEY, file TEXT NOT NULL, path TEXT NOT NULL, author TEXT NOT NULL,
  request TEXT NOT NULL, at_us INTEGER NOT NULL, text_sum INTEGER NOT NULL, sum INTEGER NOT NULL, text TEXT NOT NULL);
INSERT INTO "revisions" VALUES(1,'mesh','/srv/jobs.yaml','ann','q1',7,480731419,414573794,'projects: {}');
CREATE TABLE runs (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request TEXT NOT NULL UNIQUE, project TEXT NOT NULL,
  trigger TEXT NOT NULL, revision INTEGER NOT NULL, author TEXT NOT NULL, created_at_us INTEGER NOT NULL,
  head_sum INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT, reason TEXT NOT NULL, cancel INTEGER NOT NULL,
  timed_out INTEGER NOT NULL, started_at_us INTEGER, finished_at_us INTEGER, sum INTEGER NOT NULL);
INSERT INTO "runs" VALUES(1,'r1','q1','hello','manual',0,'ann',1,1381897589,'finished','failed','',0,0,NULL,NULL,1490616894);
INSERT INTO "runs" VALUES(2,'r2','q2','hello','manual',0,'ann',1,3606476772,'queued',NULL,'',0,0,NULL,NULL,2851095275);
INSERT INTO "runs" VALUES(3,'r3','q3','hello','manual',0,'ann',1,474043476,'queued',NULL,'',0,0,NULL,NULL,174484135);
CREATE TABLE tasks (run INTEGER NOT NULL, task INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT, attempt INTEGER NOT NULL,
  agent TEXT NOT NULL, journal TEXT NOT NULL, exit_code INTEGER, signal INTEGER, reason TEXT NOT NULL,
  stop_wanted INTEGER NOT NULL, queued_at_us INTEGER, started_at_us INTEGER, finished_at_us INTEGER,
  log_bytes INTEGER NOT NULL, tries INTEGER NOT NULL, retry_at_us INTEGER,
  ignored INTEGER NOT NULL, losses INTEGER NOT NULL, sum INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (run, task)) WITHOUT ROWID;
INSERT INTO "tasks" VALUES(1,0,'finished','failed',2,'','',NULL,9,'killed',0,NULL,NULL,7,0,0,NULL,0,0,3309570045);
INSERT INTO "tasks" VALUES(1,1,'finished','failed',2,'','',NULL,9,'killed',0,NULL,NULL,7,0,0,NULL,0,0,2057804062);
INSERT INTO "tasks" VALUES(2,0,'finished','failed',2,'','',NULL,9,'killed',0,NULL,NULL,7,0,0,NULL,0,0,1050282741);
INSERT INTO "tasks" VALUES(2,1,'finished','failed',2,'','',NULL,9,'killed',0,NULL,NULL,7,0,1,NULL,0,3,1635420340);
INSERT INTO "tasks" VALUES(2,2,'waiting',NULL,0,'','',NULL,NULL,'',0,NULL,NULL,NULL,0,0,NULL,0,0,4121476850);
INSERT INTO "tasks" VALUES(2,3,'waiting',NULL,0,'','',NULL,NULL,'',0,NULL,NULL,NULL,0,0,NULL,0,0,716059440);
INSERT INTO "tasks" VALUES(3,0,'waiting',NULL,0,'','',NULL,NULL,'',0,NULL,NULL,NULL,0,0,NULL,0,0,1315144498);
INSERT INTO "tasks" VALUES(3,1,'waiting',NULL,0,'','',NULL,NULL,'',0,NULL,NULL,NULL,0,0,NULL,0,0,2439319280);
CREATE TABLE transitions (seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL, outcome TEXT, reason TEXT NOT NULL, at_us INTEGER NOT NULL, agent TEXT NOT NULL,
  sum INTEGER NOT NULL);
INSERT INTO "transitions" VALUES(1,1,0,2,'finished','failed','killed',1795697610318184,'',2669321962);
INSERT INTO "transitions" VALUES(2,1,1,2,'finished','failed','killed',1795697610318184,'',955765412);
INSERT INTO "transitions" VALUES(3,1,-1,0,'finished','failed','',1795697610318184,'',3424930682);
INSERT INTO "transitions" VALUES(4,2,0,2,'finished','failed','killed',1795697610318598,'',2983902671);
INSERT INTO "transitions" VALUES(5,2,1,2,'retry_wait',NULL,'exit code 5; try 2 of 3 follows',1795697610318598,'',145332660);
INSERT INTO "transitions" VALUES(6,2,1,2,'finished','failed','killed',1795724659225601,'',2514233979);
CREATE INDEX revisions_by_file ON revisions (file, revision);
CREATE INDEX changes_by_revision ON changes (revision, what, project);
CREATE INDEX runs_by_project ON runs (project, n);
CREATE INDEX runs_unfinished ON runs (n) WHERE state <> 'finished';
CREATE INDEX transitions_by_run ON transitions (run, seq);
COMMIT;
