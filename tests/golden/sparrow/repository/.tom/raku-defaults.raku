task-run "tasks/raku-defaults", %( a => %( n => 7 ) );
