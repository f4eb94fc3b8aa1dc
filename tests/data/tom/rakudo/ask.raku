#!raku

my $message = prompt("message: ");
task-run "commit", "git-commit", %( message => $message );
