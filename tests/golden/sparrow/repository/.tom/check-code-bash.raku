task-run "tasks/check-code-bash";
