echo "Network is up"
