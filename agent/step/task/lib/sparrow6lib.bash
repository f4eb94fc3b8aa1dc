# What a Sparrow task in bash asks of its runner. Run as: bash sparrow6lib.bash ROOT_DIR TASK_DIR TASK_FILE
root_dir=$1
task_dir=$2
project_root_dir=$1
test_root_dir=$cache_root_dir
stdout_file=$cache_dir/stdout
__cromt_task=$3

# Name and value in turns, each ended by a NUL: nobody's value is ever read as text of a program.
declare -A __cromt_config=() __cromt_variables=()
while IFS= read -r -d '' __cromt_name && IFS= read -r -d '' __cromt_value; do
  __cromt_config[".$__cromt_name"]=$__cromt_value
done <"$cache_dir/config"
while IFS= read -r -d '' __cromt_name && IFS= read -r -d '' __cromt_value; do
  __cromt_variables[".$__cromt_name"]=$__cromt_value
  [[ $__cromt_name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] && printf -v "$__cromt_name" '%s' "$__cromt_value" 2>/dev/null
done <"$cache_dir/variables"
unset __cromt_name __cromt_value

config() { printf '%s' "${__cromt_config[".${1-}"]-}"; }
task_var() { printf '%s' "${__cromt_variables[".${1-}"]-}"; }

set_stdout() { printf '%s\n' "$*" >>"$stdout_file"; }
ignore_error() { echo ignore_error:; }
ignore_task_error() { echo ignore_error:; }
ignore_task_check_error() { echo ignore_task_check_error:; }

# As a JSON string, without the quotes around it, in REPLY.
__cromt_json() {
  REPLY=${1//\\/\\\\}
  REPLY=${REPLY//\"/\\\"}
  REPLY=${REPLY//$'\n'/\\n}
  REPLY=${REPLY//$'\t'/\\t}
  local char code
  while [[ $REPLY =~ [[:cntrl:]] ]]; do
    char=${BASH_REMATCH[0]}
    printf -v code '\\u%04x' "'$char"
    REPLY=${REPLY//"$char"/$code}
  done
}

# run_task NAME [KEY VALUE]…
run_task() {
  local task=$1 json='' key REPLY
  shift
  while (($# > 0)); do
    __cromt_json "$1"
    key=$REPLY
    __cromt_json "${2-}"
    json+="${json:+, }\"$key\": \"$REPLY\""
    shift $(($# > 1 ? 2 : 1))
  done
  printf 'task_var_json_begin\n{%s}\ntask_var_json_end\ntask: %s\n' "$json" "$task"
}

# update_state KEY VALUE
update_state() {
  local key REPLY
  __cromt_json "${1-}"
  key=$REPLY
  __cromt_json "${2-}"
  printf '{"%s": "%s"}\n' "$key" "$REPLY" >"$cache_root_dir/state.json"
}

[[ -f $task_dir/common.bash ]] && source "$task_dir/common.bash"
[[ $root_dir != "$task_dir" && -f $root_dir/common.bash ]] && source "$root_dir/common.bash"

set --
source "$__cromt_task"
