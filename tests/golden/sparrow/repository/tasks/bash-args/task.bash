echo "args=$(config args)"
