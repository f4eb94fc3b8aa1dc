task-run "tasks/bash-common";
