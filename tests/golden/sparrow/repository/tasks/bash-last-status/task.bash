echo a; false
