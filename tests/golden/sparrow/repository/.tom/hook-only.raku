task-run "tasks/hook-only";
