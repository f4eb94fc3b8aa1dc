task-run "tasks/check-fails";
