#!raku

bash "git diff";
bash "git status";
