task-run "tasks/check-code-python";
