task-run ".tom/tasks/add-project", %(
  project => "first",
  "language" => "Golang",
);

=begin comment

task-run ".tom/tasks/add-project", %(
  project => "second",
);

=end comment
