task-run "tasks/check-within";
