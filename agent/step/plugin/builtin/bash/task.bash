# Runs a command in a bash of its own: what it exits with decides, and any failure is a 1.
#   command  user  cwd  debug  envvars, a map  expect_stdout, for the check in checked/
take command user cwd debug
need command

variables=()
for key in "${!__cromt_config[@]}"; do
  [[ $key == .envvars.* ]] && variables+=("${key#.envvars.}=${__cromt_config[$key]}")
done

# Who runs run.bash: ourselves, or a shell of another user, which can't read our files and so is given its text.
login=
run=(source "$root_dir/run.bash")
if [[ $user && $user != "$(id -un)" ]]; then
  need_name user
  id -u "$user" >/dev/null || fail "there is no user '$user' on this host"
  login=1
  text=$(<"$root_dir/run.bash")
  if ((EUID == 0)); then
    run=(su -l -s "$(type -P bash)" -c "$text" "$user")
  elif has sudo; then
    run=(sudo -n -H -u "$user" -- bash --login -c "$text")
  else
    fail "to run this as '$user', $(id -un) must be root or have sudo"
  fi
fi

is_on "$debug" && debug=-x || debug=
printf '%s\0' "$login" "$debug" "$cwd" "$command" "${variables[@]}" >"$cache_dir/run" || exit 1
("${run[@]}") <"$cache_dir/run" || exit 1
