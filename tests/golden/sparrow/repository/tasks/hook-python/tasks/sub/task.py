from sparrow6lib import *
print("sub of " + task_var("name"))
