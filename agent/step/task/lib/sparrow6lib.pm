# What a Sparrow task in Perl asks of its runner.
package sparrow6lib;

package main;

use strict;
use JSON::PP ();

my %cromt_kept;

sub cromt_text {
  my $path = shift;
  open my $file, '<', $path or die "can't read $path: $!";
  local $/;
  return <$file>;
}

sub cromt_read {
  my $path = shift;
  return $cromt_kept{$path} //= JSON::PP->new->allow_nonref->decode(cromt_text($path));
}

sub cache_dir { $ENV{cache_dir} }
sub cache_root_dir { $ENV{cache_root_dir} }
sub test_root_dir { cache_root_dir() }
sub os { $ENV{os} }
sub root_dir { cromt_read(cache_dir() . '/places.json')->{root_dir} }
sub project_root_dir { root_dir() }
sub task_dir { cromt_read(cache_dir() . '/places.json')->{task_dir} }
sub stdout_file { cache_dir() . '/stdout' }

sub config { cromt_read(cache_root_dir() . '/config.json') }
sub variables { cromt_read(cache_dir() . '/variables.json') }
sub task_var { variables()->{$_[0]} }

sub set_stdout {
  open my $file, '>>', stdout_file() or die "can't write " . stdout_file() . ": $!";
  print $file $_[0], "\n";
}

sub run_task {
  my ($task, $vars) = @_;
  print "task_var_json_begin\n", JSON::PP->new->ascii->encode($vars || {}), "\ntask_var_json_end\ntask: $task\n";
}

sub ignore_error { print "ignore_error:\n" }
sub ignore_task_error { ignore_error() }
sub ignore_task_check_error { print "ignore_task_check_error:\n" }

sub get_state {
  my $path = cache_root_dir() . '/state.json';
  return -f $path ? JSON::PP->new->decode(cromt_text($path)) : {};
}

sub update_state {
  my $path = cache_root_dir() . '/state.json';
  open my $file, '>', $path or die "can't write $path: $!";
  print $file JSON::PP->new->utf8->encode($_[0]);
}

# What a check found so far: for code: and generator: of task.check.
sub matched { [split /\n/, cromt_text(cache_root_dir() . '/matched.txt')] }
sub captures { [map { $_->{data} } @{cromt_read(cache_root_dir() . '/captures.json')}] }
sub capture { captures()->[0] }
sub streams { cromt_read(cache_root_dir() . '/streams.json') }
sub streams_array { cromt_read(cache_root_dir() . '/streams-array.json') }

sub dump_streams {
  my $number = 0;
  for my $stream (@{streams_array()}) {
    print 'stream: ', ++$number, "\n";
    my $layer = 0;
    print "\tlayer: ", ++$layer, "\n\t\t", join(' ', @$_), "\n" for @$stream;
  }
}

1;
