say "sub of " ~ task_var("name");
