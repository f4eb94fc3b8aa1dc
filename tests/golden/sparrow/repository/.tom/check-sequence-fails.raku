task-run "tasks/check-sequence-fails";
