say "before"; exit 8;
