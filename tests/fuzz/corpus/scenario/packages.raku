task-run "json package", "apkbuild", %(
  action => "create",
  pkgname => "raku-json",
  pkgver => "0.17",
  pkgrel => 1,
  pkgdesc => "a naive json parser, compared with JSON::Other",
  source => "https://example.com/authors/id//J/json-0.17.tar.gz",
  builddir => 'json-0.17/',
  license => "Artistic-2.0",
);

task-run "ssl package", "apkbuild", %(
  action => "create",
  pkgname => "raku-ssl",
  pkgver => "0.2.0",
  pkgrel => 7,
  depends => "openssl-dev",
  makedepends => "raku-zef raku-json",
  buildcommand => "/usr/share/bin/zef build .",
  builddir => '',
);
