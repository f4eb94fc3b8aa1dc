from sparrow6lib import *
update_state({ "colour": "blue", "n": 3 })
