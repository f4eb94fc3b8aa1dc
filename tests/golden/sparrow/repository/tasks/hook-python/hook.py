from sparrow6lib import *
run_task("sub", { "name": "python" })
set_stdout("python hook")
