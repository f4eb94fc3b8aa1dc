echo "Application is up"
