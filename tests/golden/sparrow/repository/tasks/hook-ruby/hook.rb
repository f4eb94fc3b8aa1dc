run_task "sub", { "name" => "ruby" }
set_stdout "ruby hook"
