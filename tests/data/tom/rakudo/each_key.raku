my %hosts = config()<hosts>;
for %hosts.keys.sort -> $host { task-run "tasks/ping", %( host => $host ) }
