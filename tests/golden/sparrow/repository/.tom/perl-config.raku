task-run "tasks/perl-config", %( name => "called" );
