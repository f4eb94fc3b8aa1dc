print "before\n"; exit 6;
