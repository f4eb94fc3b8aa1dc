# What a Sparrow task in Raku asks of its runner. Needs no module beyond rakudo itself.
unit module sparrow6lib;

sub cache_dir() is export { %*ENV<cache_dir> }
sub cache_root_dir() is export { %*ENV<cache_root_dir> }
sub test_root_dir() is export { cache_root_dir() }
sub os() is export { %*ENV<os> }

my %kept;
sub read-json(Str $path) { %kept{$path} //= Rakudo::Internals::JSON.from-json(slurp $path) }
sub json-text($value) { Rakudo::Internals::JSON.to-json($value, :!pretty) }

sub root_dir() is export { read-json("{cache_dir()}/places.json")<root_dir> }
sub project_root_dir() is export { root_dir() }
sub task_dir() is export { read-json("{cache_dir()}/places.json")<task_dir> }
sub stdout_file() is export { "{cache_dir()}/stdout" }

sub config() is export { read-json("{cache_root_dir()}/config.json") }
sub variables() is export { read-json("{cache_dir()}/variables.json") }
sub task_var($name) is export { variables(){$name} }

sub set_stdout($line) is export {
  my $file = open stdout_file(), :a;
  $file.say($line);
  $file.close;
}

sub run_task($task, %vars?) is export {
  say "task_var_json_begin\n", json-text(%vars // %()), "\ntask_var_json_end\ntask: $task";
}

sub ignore_error() is export { say "ignore_error:" }
sub ignore_task_error() is export { ignore_error() }
sub ignore_task_check_error() is export { say "ignore_task_check_error:" }

sub get_state() is export {
  my $path = "{cache_root_dir()}/state.json";
  $path.IO.f ?? Rakudo::Internals::JSON.from-json(slurp $path) !! %()
}
sub update_state(%state) is export { spurt "{cache_root_dir()}/state.json", json-text(%state); }

# What a check found so far: for code: and generator: of task.check.
sub matched() is export { "{cache_root_dir()}/matched.txt".IO.lines.List }
sub captures-full() is export { read-json("{cache_root_dir()}/captures.json").List }
sub captures() is export { captures-full().map({ $_<data>.List }).List }
sub capture() is export { captures()[0] }
sub streams() is export { read-json("{cache_root_dir()}/streams.json") }
sub streams_array() is export { read-json("{cache_root_dir()}/streams-array.json") }
sub dump_streams() is export { say streams().raku }

# Edits of a file, by line number from 0.
sub replace($path, $line, $data) is export {
  my @lines = $path.IO.lines;
  @lines[$line] = $data if $line < @lines;
  spurt $path, @lines.join("\n");
}
sub remove-line($path, $line) is export {
  my @lines = $path.IO.lines;
  @lines.splice($line, 1) if $line < @lines;
  spurt $path, @lines.join("\n");
}
