task-run "tasks/hook-ignore-error"; say "goes on";
