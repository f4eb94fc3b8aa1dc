task-run "tasks/bash-common"; task-run "tasks/bash-stderr"; say "done";
