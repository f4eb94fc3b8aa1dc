use JSON::Fast;

say to-json(config());
