task-run "tasks/bash-places";
