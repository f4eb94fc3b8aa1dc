task-run "tasks/check-between";
