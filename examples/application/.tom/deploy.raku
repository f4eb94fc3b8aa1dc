#!raku
task-run "tasks/deploy";
