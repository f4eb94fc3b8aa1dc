shared() { echo "from common.bash"; }
