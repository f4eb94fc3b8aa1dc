# What the built-in plugins share: each has it as its common.bash.

# Sets a variable of its name for each parameter named, to the byte; empty where there is none.
take() {
  local __name
  for __name; do printf -v "$__name" '%s' "${__cromt_config[".$__name"]-}"; done
}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# need NAME…: each is given.
need() {
  local __name
  for __name; do [[ ${!__name} ]] || fail "the parameter '$__name' is missing"; done
}

is_on() { [[ $1 && $1 != 0 && $1 != no && $1 != off && ${1,,} != false ]]; }

# What a user, a group or a service may be called, so that no option and no path passes for one.
is_name() { [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9_.@:+-]*\$?$ ]]; }

need_name() {
  need "$1"
  is_name "${!1}" || fail "the parameter '$1' is no name: ${!1@Q}"
}

has() { type -P "$1" >/dev/null; }

# The items of a parameter that is a list, "(a b c)", or text with blanks between them, as the array `words`.
split() {
  local text=$1
  [[ $text == '('*')' ]] && text=${text:1:-1}
  IFS=$' \t\n' read -r -d '' -a words <<<"$text" || true
}

# What a parameter names as owner, group or mode, given to TARGET: set_rights TARGET [OPTION…], options for chown.
set_rights() {
  local target=$1
  shift
  if [[ $owner ]]; then
    chown "$@" -- "$owner" "$target" || exit 1
    echo "set target owner to $owner"
  fi
  if [[ $group ]]; then
    chown "$@" -- ":$group" "$target" || exit 1
    echo "set target group to $group"
  fi
  if [[ $mode ]]; then
    chmod -- "$mode" "$target" || exit 1
    echo "set target mode to $mode"
  fi
}
