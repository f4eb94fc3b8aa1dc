echo hook speaks; echo hook complains >&2; exit 4
