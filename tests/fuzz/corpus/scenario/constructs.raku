use v6; #`( embedded )
my $x = config()<a><b>[0] // "d{%*ENV<AB>}$*CWD/\n"; my @l = 1, 'b', [2, (3, 4), { c => -5 },]; my %h = :$x, :f, :!g, :w<a b>;
$x ~= "$x<b> @l[0] @l[] %h<w>[1] {@l[1] eq 'b' ?? 1 + 2 * 3 !! 3}"; %h = k => 1, 'l' => q:to/A/, m => qq:to /B/;
  text \\ $x
  A
   {$x}
  B
if not $x and !tags()<t> || os() eq "debian" { say q{a{b}}, qq[c$x], Q/d/ } elsif 1 < 2 && 3 != 4 { exit 1 } else { die "no" }
for 4, 5 -> $i { say $i if $i >= 2 }
for @l<> { task-run "t/$_", %h unless $_ }
say "$_" for (1..^4);
my %s = task-run 'a@b'; %s = task-run %( task => "t", plugin => "p", parameters => %( :x(%s<a>) ) ); bash(%s<a>, 'root');
$x ||= 5; $x //= 6; %*ENV{'X'} or exit(3);
=begin comment
while
=end comment
