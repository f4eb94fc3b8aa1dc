# Who git's commits are by.
#   email  name  config_scope, global or local  set_credential_cache, on or off
take email name config_scope set_credential_cache
need email name
has git || fail "git is not installed: package-install 'git' does it"
case $config_scope in
  global | local) ;;
  *) fail "the parameter 'config_scope' is global or local, not ${config_scope@Q}" ;;
esac

set_value() {
  git config "--$config_scope" --replace-all -- "$1" "$2" || exit 1
  printf 'git %s %s\n' "$1" "$2"
}

set_value user.email "$email"
set_value user.name "$name"
if is_on "$set_credential_cache"; then set_value credential.helper 'cache --timeout=3000000'; fi
