echo before; kill -9 $$
