task-run "tasks/check-assert-fails";
