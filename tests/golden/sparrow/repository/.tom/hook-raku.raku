task-run "tasks/hook-raku";
