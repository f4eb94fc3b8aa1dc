puts "sub of " + task_var("name")
