#!perl6

my $password = %*ENV<PASSWORD> // die "no password";

template-create "/home/{%*ENV<USER>}/.access", %(
  mode => '700',
  variables => %(
    user      => 'dev',
    password  => $password
  ),
  source => q:to /TEMPL/
  user      [%= user %]
  password  $password
  TEMPL
);
