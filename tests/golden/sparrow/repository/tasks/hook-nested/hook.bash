run_task outer
