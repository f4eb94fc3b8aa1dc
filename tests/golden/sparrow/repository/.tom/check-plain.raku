task-run "tasks/check-plain";
