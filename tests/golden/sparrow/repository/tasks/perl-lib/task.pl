use Own; print Own::text(), "\n";
