task-run "tasks/bash-exit-code"; say "never";
