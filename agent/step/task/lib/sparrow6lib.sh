# What a task in sh asks of its runner. Run as: sh sparrow6lib.sh ROOT_DIR TASK_DIR TASK_FILE
root_dir=$1
task_dir=$2
stdout_file=$cache_dir/stdout
__cromt_task=$3

# The file holds a line with the name and a line with the value, in turns; '\' is written as '\\', a newline as '\n'.
__cromt_get() {
  while IFS= read -r __cromt_name && IFS= read -r __cromt_value; do
    case $__cromt_name in
      *\\*) __cromt_name=$(printf '%bx' "$__cromt_name") && __cromt_name=${__cromt_name%x} ;;
    esac
    if [ "$__cromt_name" = "$2" ]; then
      printf '%b' "$__cromt_value"
      return 0
    fi
  done <"$cache_dir/$1"
  return 0
}
config() { __cromt_get config "${1-}"; }
task_var() { __cromt_get variables "${1-}"; }

set_stdout() { printf '%s\n' "$*" >>"$stdout_file"; }
ignore_error() { echo ignore_error:; }
ignore_task_error() { echo ignore_error:; }
ignore_task_check_error() { echo ignore_task_check_error:; }

__cromt_json() {
  printf '%s\n' "$1" | awk '
    BEGIN { for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i); code["\\"] = "\\\\"; code["\""] = "\\\"" }
    { if (NR > 1) printf "\\n"
      for (i = 1; i <= length($0); i++) { c = substr($0, i, 1); printf "%s", c in code ? code[c] : c } }'
}

# run_task NAME [KEY VALUE]…
run_task() {
  __cromt_name=$1
  __cromt_list=
  shift
  while [ $# -gt 0 ]; do
    __cromt_list="$__cromt_list${__cromt_list:+, }\"$(__cromt_json "$1")\": \"$(__cromt_json "${2-}")\""
    shift
    [ $# -eq 0 ] || shift
  done
  printf 'task_var_json_begin\n{%s}\ntask_var_json_end\ntask: %s\n' "$__cromt_list" "$__cromt_name"
}

# update_state KEY VALUE
update_state() {
  printf '{"%s": "%s"}\n' "$(__cromt_json "${1-}")" "$(__cromt_json "${2-}")" >"$cache_root_dir/state.json"
}

set --
. "$__cromt_task"
