puts "name=#{config['name']} deep=#{config['a']['b']}"
puts config["list"].join(",")
