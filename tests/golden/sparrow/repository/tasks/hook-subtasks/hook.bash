run_task sub n 1 word one
run_task sub n 2
set_stdout text of the hook
