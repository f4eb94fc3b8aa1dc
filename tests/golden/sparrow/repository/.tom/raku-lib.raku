task-run "tasks/raku-lib";
