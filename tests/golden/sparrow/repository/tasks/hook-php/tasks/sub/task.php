<?php
echo "sub of " . task_var("name") . "\n";
