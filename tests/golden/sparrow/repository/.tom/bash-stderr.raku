task-run "tasks/bash-stderr";
