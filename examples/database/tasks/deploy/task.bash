echo "Database is up"
