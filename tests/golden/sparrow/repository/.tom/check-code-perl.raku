task-run "tasks/check-code-perl";
