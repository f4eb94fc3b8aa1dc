task-run "tasks/check-code-ruby";
