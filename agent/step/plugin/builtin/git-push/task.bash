# Pushes the branch that is checked out.
#   confirm, yes or no: a job has nobody to ask, so it must say no
take confirm
is_on "$confirm" && fail "git-push asks before it pushes, and nobody is there to answer: set confirm => 'no'"
branch=$(git symbolic-ref HEAD) || fail "no branch is checked out here"
echo "git push origin $branch"
git push origin "$branch"
