# Packages of this host's system: action install, of what is not there yet, or autoremove.
#   list, with blanks between them, or a map from the name of a system to such lists
take action list
export DEBIAN_FRONTEND=noninteractive

# The first that is found, as `manager`.
choose_manager() {
  for manager in apt-get apk dnf yum pacman zypper opkg; do has "$manager" && return; done
  fail "no package manager that cromt knows is there: apt-get, apk, dnf, yum, pacman, zypper or opkg"
}

is_installed() {
  case $manager in
    apt-get) [[ $(dpkg-query -W -f '${db:Status-Status}' -- "$1" 2>/dev/null) == installed ]] ;;
    apk) apk info -e "$1" >/dev/null 2>&1 ;;
    dnf | yum | zypper) rpm -q -- "$1" >/dev/null 2>&1 ;;
    pacman) pacman -Q -q -- "$1" >/dev/null 2>&1 ;;
    opkg) [[ $(opkg status "$1" 2>/dev/null) == *'Status: install'* ]] ;;
  esac
}

install() {
  case $manager in
    apt-get) apt-get install -y -qq -- "$@" ;;
    apk) apk update --wait 120 && apk add --wait 120 "$@" ;;
    dnf | yum) "$manager" -y install "$@" ;;
    pacman) pacman -Sy --noconfirm --needed -- "$@" ;;
    zypper) zypper --non-interactive install -- "$@" ;;
    opkg) opkg install "$@" ;;
  esac
}

# The packages for this host, in `words`.
choose_packages() {
  local key is_map=
  for key in "${!__cromt_config[@]}"; do [[ $key == .list.* ]] && is_map=1; done
  if [[ $is_map ]]; then
    split "${__cromt_config[".list.$os"]-}"
  else
    split "$list"
  fi
  for package in "${words[@]}"; do
    # A '-' at the end would tell apt-get to remove it.
    [[ $package =~ ^@?[A-Za-z0-9]([A-Za-z0-9.+_:=~/-]*[A-Za-z0-9.+_~])?$ ]] || fail "this is no package: ${package@Q}"
  done
}

case $action in
  install)
    choose_packages
    ((${#words[@]} > 0)) || { echo "no packages for $os"; exit 0; }
    choose_manager
    echo "installer - $manager"
    missing=()
    for package in "${words[@]}"; do
      if is_installed "$package"; then echo "$package is installed"; else missing+=("$package"); fi
    done
    if ((${#missing[@]} > 0)); then
      echo "trying to install ${missing[*]} ..."
      install "${missing[@]}" || exit 1
    fi
    ;;
  autoremove)
    has apt-get || fail "autoremove is known for apt-get only"
    apt-get autoremove -y -qq || exit 1
    echo autoremove-done
    ;;
  *) fail "the parameter 'action' is install or autoremove, not ${action@Q}" ;;
esac
