use v6;

my $target = tags()<target> // "test";
my $hosts = $target eq "prod" ?? <a.example b.example> !! ("localhost",);

if os() eq "debian" {
  package-install <curl jq>;
} elsif os() ne "windows" {
  package-install "curl jq";
} else {
  die "not on windows";
}

for $hosts<> -> $host {
  say "deploy to $host";
  task-run "deploy@service", %( :$host, :$target, :dry-run(!tags()<really>), retries => 2 + 1 );
}

service-restart "web" unless tags()<dry>;
exit 3 if %*ENV<STOP>;
say "done";
