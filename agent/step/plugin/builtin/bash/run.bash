# Runs a command. What and how comes from stdin, so that it's nobody's text to quote, each part ended by a NUL.
for name in login debug cwd command; do IFS= read -r -d '' "$name" || exit 1; done

# The value that NAME has now, for $NAME and ${NAME} in its new one, such as PATH='/opt/bin:$PATH'. Nothing else is
# expanded.
with_old_value() {
  local rest=$2 old=${!1-} pattern="\\\$(\\{$1\\}|$1([^A-Za-z0-9_]|\$))"
  REPLY=
  while [[ $rest =~ $pattern ]]; do
    REPLY+=${rest%%"${BASH_REMATCH[0]}"*}$old
    rest=${BASH_REMATCH[2]}${rest#*"${BASH_REMATCH[0]}"}
  done
  REPLY+=$rest
}

unset CDPATH
[[ -z $login ]] || cd || exit 1
[[ $cwd == '~' || $cwd == '~/'* ]] && cwd=$HOME${cwd:1}
[[ $cwd == -* ]] && cwd=./$cwd
[[ -z $cwd ]] || cd -- "$cwd" || exit 1

while IFS= read -r -d '' variable; do
  with_old_value "${variable%%=*}" "${variable#*=}"
  export "${variable%%=*}=$REPLY" || exit 1
done
exec bash ${debug:+"$debug"} -c -- "$command" </dev/null
