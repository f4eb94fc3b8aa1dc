# A user of this host: action create, which changes one that is there, or delete.
#   name  uid  gid  groups, with commas between them  password  managehome, yes or no  home_dir  new_login
take action name uid gid groups password managehome home_dir new_login
need_name name
[[ $uid =~ ^[0-9]*$ ]] || fail "the parameter 'uid' is no number: ${uid@Q}"
[[ -z $gid ]] || is_name "$gid" || fail "the parameter 'gid' is no group: ${gid@Q}"
[[ -z $new_login ]] || is_name "$new_login" || fail "the parameter 'new_login' is no name: ${new_login@Q}"
[[ $groups =~ ^([A-Za-z0-9_][A-Za-z0-9_.-]*(,|$))*$ ]] || fail "the parameter 'groups' is no list of groups: ${groups@Q}"
[[ -z $home_dir || $home_dir == /* ]] || fail "the parameter 'home_dir' is no absolute path: ${home_dir@Q}"
[[ $password != *[$'\n\r']* ]] || fail "the parameter 'password' has more than one line"
[[ $managehome == yes || $managehome == no || $managehome == True || $managehome == False ]] ||
  fail "the parameter 'managehome' is yes or no, not ${managehome@Q}"

exists() { id -u "$name" >/dev/null 2>&1; }

say_and_run() {
  echo "execute: $*"
  "$@" || exit 1
}

set_password() {
  [[ $password ]] || return 0
  echo "set password"
  printf '%s:%s\n' "$name" "$password" | chpasswd || exit 1
}

create() {
  local options=()
  if has useradd; then
    is_on "$managehome" && options=(-m ${home_dir:+-d "$home_dir"}) || options=(-M)
    say_and_run useradd "${options[@]}" ${uid:+-u "$uid"} ${gid:+-g "$gid"} ${groups:+-G "$groups"} "$name"
  else # as on Alpine, where groups are joined one by one
    is_on "$managehome" && options=(${home_dir:+-h "$home_dir"}) || options=(-H)
    say_and_run adduser "${options[@]}" ${uid:+-u "$uid"} ${gid:+-G "$gid"} -D "$name"
    split "${groups//,/ }"
    for group in "${words[@]}"; do say_and_run addgroup "$name" "$group"; done
  fi
  set_password
  id "$name" || exit 1
  echo "user $name created"
}

change() {
  local options=(${new_login:+-l "$new_login"} ${uid:+-u "$uid"} ${gid:+-g "$gid"} ${groups:+-G "$groups"})
  if [[ $home_dir ]] && is_on "$managehome"; then options+=(-m -d "$home_dir"); fi
  local before after
  before=$(getent passwd "$name"; id "$name")
  set_password
  ((${#options[@]} == 0)) || say_and_run usermod "${options[@]}" "$name"
  after=$(getent passwd "${new_login:-$name}"; id "${new_login:-$name}")
  if [[ $before == "$after" ]]; then
    echo "user $name - nothing changed"
  else
    echo "user $name changed"
  fi
  id "${new_login:-$name}"
}

delete() {
  if ! exists; then
    echo "user $name does not exist"
    return
  fi
  local option=
  if has userdel; then
    is_on "$managehome" && option=-r
    say_and_run userdel ${option:+"$option"} "$name"
  else
    is_on "$managehome" && option=--remove-home
    say_and_run deluser ${option:+"$option"} "$name"
  fi
  echo "user $name removed"
}

case $action in
  create) if exists; then change; else create; fi ;;
  delete) delete ;;
  *) fail "the parameter 'action' is create or delete, not ${action@Q}" ;;
esac
