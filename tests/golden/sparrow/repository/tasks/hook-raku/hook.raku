run_task "sub", %( name => "raku" ); set_stdout "raku hook";
