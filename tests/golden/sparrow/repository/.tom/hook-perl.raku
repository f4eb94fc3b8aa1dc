task-run "tasks/hook-perl";
