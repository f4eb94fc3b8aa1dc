task-run "tasks/php-config", %( name => "called" );
