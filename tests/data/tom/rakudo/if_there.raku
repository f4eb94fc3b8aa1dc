directory "build";
task-run "tasks/unpack", %( target => "build" ) unless "build/done".IO ~~ :e;
