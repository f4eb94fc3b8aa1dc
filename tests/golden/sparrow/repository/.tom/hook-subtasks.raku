task-run "tasks/hook-subtasks";
