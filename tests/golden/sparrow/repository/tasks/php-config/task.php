<?php
echo "name=" . config()["name"] . " deep=" . config()["a"]["b"] . "\n";
echo implode(",", config()["list"]) . "\n";
