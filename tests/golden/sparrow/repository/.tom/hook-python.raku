task-run "tasks/hook-python";
