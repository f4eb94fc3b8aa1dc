from sparrow6lib import *
print("name=" + config()["name"] + " deep=" + config()["a"]["b"])
print(",".join(config()["list"]))
