// Nothing: what is precompiled are the headers that cmake/Targets.cmake lists.
