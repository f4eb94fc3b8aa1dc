package Own; sub text { "a module of lib" } 1;
