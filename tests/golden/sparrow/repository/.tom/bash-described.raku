bash 'echo "$NAME"; pwd | sed "s,.*/,,"', %( description => "a command", envvars => %( NAME => "value" ) );
