task-run "tasks/perl-exit-code";
