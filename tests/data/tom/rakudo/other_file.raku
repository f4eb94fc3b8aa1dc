# the hosts are listed beside it

EVALFILE "hosts.raku";
