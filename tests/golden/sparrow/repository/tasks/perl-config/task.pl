print "name=", config()->{name}, " deep=", config()->{a}{b}, "\n"; print join(",", @{config()->{list}}), "\n";
