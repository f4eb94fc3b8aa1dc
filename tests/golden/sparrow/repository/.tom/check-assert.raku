task-run "tasks/check-assert";
