say "before"; exit 9; say "never";
