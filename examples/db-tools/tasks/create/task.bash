mkdir -p out
echo "ALTER TABLE users ADD COLUMN email TEXT;" > out/patch.sql
echo "patch.sql is made"
