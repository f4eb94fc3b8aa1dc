open my $f, ">>", "perl-once.log"; print $f "x\n"; close $f;
