task-run "tasks/check-regexp";
