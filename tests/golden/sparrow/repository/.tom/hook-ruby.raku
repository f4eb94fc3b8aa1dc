task-run "tasks/hook-ruby";
