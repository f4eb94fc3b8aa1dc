task-run "tasks/raku-config", %( name => "called" );
