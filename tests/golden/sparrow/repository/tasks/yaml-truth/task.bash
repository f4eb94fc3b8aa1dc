echo "$(config answer)"
