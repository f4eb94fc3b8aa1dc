task-run "tasks/yaml-truth";
