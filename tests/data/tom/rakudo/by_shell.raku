shell "make clean";
