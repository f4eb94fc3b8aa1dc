task-run "tasks/ruby-config", %( name => "called" );
