#!perl6

task-run "set git", "git-base", %(
  email => 'dev@example.com',
  name  => 'A Developer',
  config_scope => 'local',
  set_credential_cache => 'on'
);
