my %s = task-run "tasks/python-state"; say "colour is %s<colour>, n is %s<n>";
