task-run "tasks/raku-exit-code";
