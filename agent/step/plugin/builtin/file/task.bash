# A file: action create or delete.
#   target  content, a newline is added  source, a file to copy  owner  group  mode
take action target content source owner group mode
need target

create() {
  [[ $mode ]] && umask 077 # nobody else reads it before it has its mode
  if [[ $content ]]; then
    printf '%s\n' "$content" >"$target" || exit 1
    echo set target content
  fi
  if [[ $source ]]; then
    cp -- "$source" "$target" || exit 1
    echo copy source to target
  else
    touch -- "$target" || exit 1
    echo touch target
  fi
  echo target created
  set_rights "$target"
}

delete() {
  rm -f -- "$target" || exit 1
  echo target deleted
}

case $action in
  create | delete) "$action" ;;
  *) fail "the parameter 'action' is create or delete, not ${action@Q}" ;;
esac
