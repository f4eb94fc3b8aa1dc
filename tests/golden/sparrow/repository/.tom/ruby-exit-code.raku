task-run "tasks/ruby-exit-code";
