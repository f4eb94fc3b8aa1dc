# The same, where expect_stdout is given: the check beside this looks at what the command prints.
source "$root_dir/task.bash"
