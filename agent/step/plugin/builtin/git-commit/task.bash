# Commits what has changed in files that git knows.
#   message  check_spell, on: hunspell must find nothing
take message check_spell
need message
if is_on "$check_spell"; then
  has hunspell || fail "check_spell needs hunspell, which is not installed"
  unknown=$(printf '%s\n' "$message" | hunspell -d en_US -l) || exit 1
  [[ -z $unknown ]] || fail "the message has words that hunspell doesn't know: ${unknown//$'\n'/ }"
  echo spell check ok
fi
printf '%s\n' "$message" | git commit -a -F -
