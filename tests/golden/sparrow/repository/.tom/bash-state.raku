my %s = task-run "tasks/bash-state"; say "version is %s<version>";
