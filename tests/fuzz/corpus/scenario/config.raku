{
  basedir => ".build", # where all is built
  bin => "fez",
  module-name => "Fez",
  compiler => {
    repo => "https://example.com/compiler.git"
  },
  hosts => [
    "node01.example",
    "node02.example",
  ]
}
