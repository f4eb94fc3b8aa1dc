task-run "tasks/killed"; say "goes on";
