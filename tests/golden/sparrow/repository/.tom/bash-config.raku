task-run "tasks/bash-config", %( name => "from the caller", a => %( b => %( c => "deep two" ) ) );
