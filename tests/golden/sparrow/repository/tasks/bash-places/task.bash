echo "${root_dir##*/} ${task_dir##*/} $(basename "$PWD" | tr -d 0-9 | cut -c1-4)"; helper; cat $root_dir/data.txt
