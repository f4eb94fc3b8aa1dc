# What a Sparrow task in Ruby asks of its runner.
require 'json'

def cache_dir = ENV['cache_dir']
def cache_root_dir = ENV['cache_root_dir']
def test_root_dir = cache_root_dir
def os = ENV['os']

def cromt_read(path)
  ($cromt_kept ||= {})[path] ||= JSON.parse(File.read(path))
end

def root_dir = cromt_read("#{cache_dir}/places.json")['root_dir']
def project_root_dir = root_dir
def task_dir = cromt_read("#{cache_dir}/places.json")['task_dir']
def stdout_file = "#{cache_dir}/stdout"

def config = cromt_read("#{cache_root_dir}/config.json")
def task_variables = cromt_read("#{cache_dir}/variables.json")
def task_var(name) = task_variables[name]

def set_stdout(line)
  File.open(stdout_file, 'a') { |file| file.puts line.to_s }
end

def run_task(path, params = {})
  puts 'task_var_json_begin', JSON.generate(params), 'task_var_json_end', "task: #{path}"
end

def ignore_error(_val = nil) = puts('ignore_error:')
def ignore_task_error(_val = nil) = ignore_error
def ignore_task_check_error(_val = nil) = puts('ignore_task_check_error:')

def get_state
  path = "#{cache_root_dir}/state.json"
  File.exist?(path) ? JSON.parse(File.read(path)) : {}
end

def update_state(state)
  File.write("#{cache_root_dir}/state.json", JSON.generate(state))
end

# What a check found so far: for code: and generator: of task.check.
def matched = File.readlines("#{cache_root_dir}/matched.txt", chomp: true)
def captures = cromt_read("#{cache_root_dir}/captures.json").map { |entry| entry['data'] }
def capture = captures.first
def streams = cromt_read("#{cache_root_dir}/streams.json")
def streams_array = cromt_read("#{cache_root_dir}/streams-array.json")

[task_dir, root_dir].uniq.each { |dir| require "#{dir}/common.rb" if File.exist? "#{dir}/common.rb" }
