echo "sub n=$n word=$word $(task_var n)"
