my %s = task-run "tasks/perl-state"; say "colour is %s<colour>";
