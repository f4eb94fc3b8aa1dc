echo "Database is up"
if test -e .artifacts/patch.sql; then
  echo "with $(cat .artifacts/patch.sql)"
fi
