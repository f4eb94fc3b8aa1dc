# Pulls the branch that is checked out.
branch=$(git symbolic-ref HEAD) || fail "no branch is checked out here"
echo "git pull origin $branch"
git pull origin "$branch"
