task-run "tasks/python-lib";
