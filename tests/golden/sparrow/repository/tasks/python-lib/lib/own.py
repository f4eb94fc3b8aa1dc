def text():
    return "a module of lib"
