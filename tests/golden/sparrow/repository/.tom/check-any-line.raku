task-run "tasks/check-any-line";
