run_task a
run_task b
