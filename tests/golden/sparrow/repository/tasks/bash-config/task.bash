echo "name=$(config name) deep=$(config a.b.c) none=<$(config no.such)>"
echo "list=$(config list)"
