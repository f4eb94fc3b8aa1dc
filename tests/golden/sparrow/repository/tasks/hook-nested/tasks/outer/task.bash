echo outer
