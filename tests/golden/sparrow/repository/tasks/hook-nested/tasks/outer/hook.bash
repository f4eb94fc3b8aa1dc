run_task inner depth 2
