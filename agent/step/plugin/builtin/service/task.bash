# A service of this host, over whatever manages services here: action start, stop, restart, enable or disable.
#   service
take action service
need_name service
echo "os: $os"
echo "service: $service"

# control ACTION: also the one that asks, status.
control() {
  if has rc-service; then
    rc-service "$service" "$1"
  elif has service; then
    service "$service" "$1"
  elif has systemctl; then
    systemctl "$1" "$service"
  else
    fail "neither rc-service nor service nor systemctl is there: nothing manages services on this host"
  fi
}

at_boot() {
  if has systemctl; then
    systemctl "$action" "$service"
  elif has rc-update; then
    case $action in
      enable) rc-update add "$service" ;;
      disable) rc-update del "$service" ;;
    esac
  elif has update-rc.d; then
    case $action in
      enable) update-rc.d "$service" defaults ;;
      disable) update-rc.d -f "$service" remove ;;
    esac
  elif has chkconfig; then
    case $action in
      enable) chkconfig "$service" on ;;
      disable) chkconfig "$service" off ;;
    esac
  else
    fail "neither systemctl nor rc-update nor update-rc.d nor chkconfig is there: nothing starts services on this host"
  fi
}

case $action in
  start | restart)
    control "$action" || exit 1
    control status || fail "$service does not run after its $action"
    echo "{$service} running"
    ;;
  stop)
    control stop || exit 1
    ! control status || fail "$service still runs after its stop"
    echo "{$service} stopped"
    ;;
  enable | disable)
    at_boot || exit 1
    echo done
    ;;
  *) fail "the parameter 'action' is start, stop, restart, enable or disable, not ${action@Q}" ;;
esac
