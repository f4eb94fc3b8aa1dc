# A group of this host: action create, delete or exists, which leaves its answer as state.
#   name
take action name
need_name name

exists() { getent group "$name" >/dev/null; }

case $action in
  create)
    if exists; then
      echo "group $name already exists"
    elif has groupadd; then
      groupadd -f "$name" && echo "create group $name" || exit 1
    else
      addgroup "$name" && echo "create group $name" || exit 1
    fi
    ;;
  delete)
    if ! exists; then
      echo "group $name does not exist"
    elif has groupdel; then
      groupdel "$name" && echo "delete group $name" || exit 1
    else
      delgroup "$name" && echo "delete group $name" || exit 1
    fi
    ;;
  exists)
    if exists; then
      echo "group exists"
      echo '{"exists": true}' >"$cache_root_dir/state.json"
    else
      echo "group not exists"
      echo '{"exists": false}' >"$cache_root_dir/state.json"
    fi
    ;;
  *) fail "the parameter 'action' is create, delete or exists, not ${action@Q}" ;;
esac
