task-run "tasks/hook-fails";
