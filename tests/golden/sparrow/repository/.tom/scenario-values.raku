my $name = "world";
my %h = %( a => "x", b => %( c => "y" ) );
say "hello $name, %h<a> {%h<b><c>}";
for <one two> -> $word { say "word $word"; }
for 1..3 -> $i { say $i if $i != 2; }
say %*ENV<NO_SUCH> // "unset";
my $text = q:to/END/;
  kept $name
    deeper
  END
say $text;
