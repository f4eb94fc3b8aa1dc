task-run "tasks/python-exit-code";
