task-run "tasks/bash-args", %( args => [ "one", [ "flag", "-f" ], %( key => "value" ) ] );
