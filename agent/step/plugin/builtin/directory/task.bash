# A directory: action create or delete.
#   path  recursive, 1: its parents too  owner  group  mode
take action path recursive owner group mode
need path

create() {
  if is_on "$recursive"; then
    mkdir -p -- "$path" || exit 1
  else
    mkdir -- "$path" || exit 1
  fi
  # Of what lies in it, too; of a link there, the link's own.
  if [[ $owner ]]; then chown -R -h -- "$owner" "$path" || exit 1; fi
  if [[ $group ]]; then chown -R -h -- ":$group" "$path" || exit 1; fi
  if [[ $mode ]]; then chmod -- "$mode" "$path" || exit 1; fi
  printf 'directory path: %s\n' "$path"
  stat -c $'directory owner: <%U>\ndirectory group: <%G>\ndirectory access rights: %A' -- "$path"
}

delete() {
  if [[ -d $path ]]; then
    rm -rf -- "$path" || exit 1
  elif [[ -e $path || -L $path ]]; then
    fail "$path is no directory"
  fi
  echo directory-delete-ok
}

case $action in
  create | delete) "$action" ;;
  *) fail "the parameter 'action' is create or delete, not ${action@Q}" ;;
esac
