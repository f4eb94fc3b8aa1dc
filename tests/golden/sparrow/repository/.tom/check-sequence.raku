task-run "tasks/check-sequence";
