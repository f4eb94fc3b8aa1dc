false
echo goes on
