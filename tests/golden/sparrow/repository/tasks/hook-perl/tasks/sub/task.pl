print "sub of ", task_var("name"), "\n";
