task-run "tasks/hook-subtasks@tasks/sub", %( n => 1 );
