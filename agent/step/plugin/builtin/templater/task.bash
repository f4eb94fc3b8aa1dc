# Fills variables into a template: [% name %], [% a.b %], $name, ${a.b}; \$ is a dollar. Anything else that Template
# Toolkit knows ends the task before the target is touched.
#   source, the template's text  variables, a map  target  owner  group  mode  on_change, a command
take source target owner group mode on_change
need target

variable='[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*'

value_of() { REPLY=${__cromt_config[".variables.$1"]-}; }

# Text between directives, its $name and ${name}, in REPLY.
interpolate() {
  local rest=$1 before out='' name
  while [[ $rest == *'$'* ]]; do
    before=${rest%%'$'*}
    rest=${rest#*'$'}
    if [[ $before == *\\ ]]; then
      out+=${before%\\}'$'
    elif [[ $rest =~ ^\{($variable)\} || $rest =~ ^($variable) ]]; then
      name=${BASH_REMATCH[1]}
      rest=${rest:${#BASH_REMATCH[0]}}
      value_of "$name"
      out+=$before$REPLY
    else
      out+=$before'$'
    fi
  done
  REPLY=$out$rest
}

# What stands between [% and %], in REPLY.
directive() {
  local text=$1 line=$2 name=
  [[ $text =~ ^[[:space:]]*(GET[[:space:]]+)?($variable)[[:space:]]*\;?[[:space:]]*$ ]] && name=${BASH_REMATCH[2]}
  REPLY=
  if [[ $text == '#'* || $text =~ ^[[:space:]]*$ ]]; then
    return
  elif [[ $name && ! $name =~ ^[A-Z]+$ ]]; then # in capitals: IF, END, …
    value_of "$name"
  else
    fail "line $line of the template: [%$text%] is more than a variable, which is all that cromt fills in"
  fi
}

lines_of() {
  local newlines=${1//[!$'\n']/}
  REPLY=${#newlines}
}

render() {
  local rest=$1 out='' text line=1
  while [[ $rest == *'[%'* ]]; do
    text=${rest%%'[%'*}
    rest=${rest#*'[%'}
    lines_of "$text"
    ((line += REPLY))
    interpolate "$text"
    out+=$REPLY
    [[ $rest == *'%]'* ]] || fail "line $line of the template: [% without %]"
    text=${rest%%'%]'*}
    rest=${rest#*'%]'}
    # '-' at an end takes the blanks and the newline there.
    if [[ $text == -* && $out =~ $'\n'[[:blank:]]*$ ]]; then out=${out%"${BASH_REMATCH[0]}"}; fi
    if [[ $text == *- && $rest =~ ^[[:blank:]]*$'\n' ]]; then
      rest=${rest#"${BASH_REMATCH[0]}"}
      ((line += 1))
    fi
    text=${text#-}
    directive "${text%-}" "$line"
    out+=$REPLY
    lines_of "$text"
    ((line += REPLY))
  done
  interpolate "$rest"
  REPLY=$out$REPLY
}

render "$source"
content=$cache_root_dir/content
printf '%s' "$REPLY" >"$content" || exit 1

changed=
if [[ -f $target ]] && cmp -s -- "$content" "$target"; then
  echo "target $target not changed"
else
  changed=1
  [[ $mode ]] && umask 077 # nobody else reads it before it has its mode
  if [[ -f $target ]] && has diff; then diff -u -- "$target" "$content"; fi
  cat -- "$content" >"$target" || exit 1
  echo "target $target updated"
fi
set_rights "$target"
if [[ $changed && $on_change ]]; then
  printf 'running on change hook: %s\n' "$on_change"
  bash -c -- "$on_change" || exit 1
fi
