#exit(0);

my $basedir = config()<basedir>;

directory "$basedir/checkout";

directory-delete "$basedir/vm";
directory-delete "$basedir/compiler";

git-scm "https://example.com/compiler.git", %(
  to => "$basedir/checkout"
);

bash q:to /HERE/, %( description => "build the vm", cwd => "{$*CWD}/$basedir/vm" );
  set -x
  export MAKEFLAGS=-j6 && \
  perl Configure.pl --prefix=../install && make -j6 install
HERE

bash q:to /HERE/, %( description => "build the compiler", cwd => "{$*CWD}/$basedir/compiler");
  set -x
  ./configure  --prefix=../install
HERE
