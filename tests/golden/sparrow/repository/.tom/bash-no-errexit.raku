task-run "tasks/bash-no-errexit";
