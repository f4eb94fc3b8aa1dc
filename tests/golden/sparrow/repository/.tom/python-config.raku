task-run "tasks/python-config", %( name => "called" );
