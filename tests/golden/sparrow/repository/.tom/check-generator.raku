task-run "tasks/check-generator";
