<?php
run_task("sub", ["name" => "php"]);
set_stdout("php hook");
