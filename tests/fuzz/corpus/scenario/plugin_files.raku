my $bin = config()<bin>;
my $plg-name = "utils-{$bin}";

directory "{$plg-name}/.test";

file "{$plg-name}/deps", %(
  content => "{config()<module-name>} --/test"
);

file "{$plg-name}/task.bash", %(
  content => "set -e\nargs=\$(config args)\nset -x\n{$bin} \$args"
);
