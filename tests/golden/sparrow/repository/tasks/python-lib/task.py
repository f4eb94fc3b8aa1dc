from own import text
print(text())
