my %s = task-run "tasks/ruby-state"; say "colour is %s<colour>";
