bash "echo before; exit 5"; say "never";
