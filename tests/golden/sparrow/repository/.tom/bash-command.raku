bash "echo hello from bash; false; echo goes on";
