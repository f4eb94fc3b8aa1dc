task-run "tasks/hook-php";
