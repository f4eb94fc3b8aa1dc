run_task("sub", { name => "perl" }); set_stdout("perl hook");
