#!raku

task-run "tasks/hello", %(
  worker => %*ENV<WORKER>
);
