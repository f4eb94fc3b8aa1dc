unit module Own;
sub own-text is export { "a module of lib" }
