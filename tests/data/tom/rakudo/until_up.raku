my $tries = 0;

while $tries < 10 {
  $tries++;
  last if qx{systemctl is-active app}.trim eq "active";
}
