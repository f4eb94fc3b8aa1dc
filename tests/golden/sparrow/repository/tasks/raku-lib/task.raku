use Own; say own-text;
