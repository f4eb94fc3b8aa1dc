task-run "tasks/bash-last-status";
