echo "inner $depth"
