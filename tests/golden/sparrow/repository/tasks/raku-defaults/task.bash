echo "$(config name) $(config a.n) $(config a.list)"
