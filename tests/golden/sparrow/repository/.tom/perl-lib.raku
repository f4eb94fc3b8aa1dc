task-run "tasks/perl-lib";
