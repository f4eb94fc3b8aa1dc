# run `release --keep`
task-run "module release", "release-tool", %(
  args => [
    ["yes"], 
    %( next-version => "=0.1.12" ),
    "release",
  ]
);
