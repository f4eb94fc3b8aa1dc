# Sparrow's functions for a scenario that rakudo runs. Each call is a line of JSON to cromt-step, which does what is asked
# and answers with a line: {"exit": 0, "value": …}. Needs no module beyond rakudo itself.
no precompilation;

my $requests = open %*ENV<CROMT_REQUESTS>, :w;
my $answers = open %*ENV<CROMT_ANSWERS>, :r;

# What JSON has a form for, and the text of anything else.
sub plain($value) {
  given $value {
    when Associative { %($value.map({ .key.Str => plain(.value) })) }
    when Positional | Seq { [$value.map({ plain($_) })] }
    when Bool | Int | Str { $value }
    when !.defined { Nil }
    default { .Str }
  }
}

# `line` is that of the scenario which calls.
sub ask($function, $line, @arguments) {
  $*OUT.flush;
  $*ERR.flush;
  $requests.say: Rakudo::Internals::JSON.to-json({:$function, :$line, arguments => plain(@arguments)}, :!pretty);
  $requests.flush;
  my %answer := Rakudo::Internals::JSON.from-json($answers.get);
  exit %answer<exit> if %answer<exit>;
  %answer<value>
}

sub EXPORT() {
  Map.new: |%*ENV<CROMT_FUNCTIONS>.words.map: -> $name { "&$name" => sub (|arguments) {
    ask($name, +callframe(1).line, arguments.list)
  } }
}
