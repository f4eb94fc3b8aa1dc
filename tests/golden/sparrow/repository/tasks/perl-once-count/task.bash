wc -l <perl-once.log
