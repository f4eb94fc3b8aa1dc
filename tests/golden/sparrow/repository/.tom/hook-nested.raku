task-run "tasks/hook-nested";
