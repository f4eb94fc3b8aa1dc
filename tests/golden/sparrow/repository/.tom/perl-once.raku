task-run "tasks/perl-once"; task-run "tasks/perl-once-count";
