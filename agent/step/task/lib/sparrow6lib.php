<?php
// What a Sparrow task in PHP asks of its runner.
function cache_dir() { return getenv('cache_dir'); }
function cache_root_dir() { return getenv('cache_root_dir'); }
function test_root_dir() { return cache_root_dir(); }
function os() { return getenv('os'); }

function cromt_read(string $path)
{
    static $kept = [];
    return $kept[$path] ??= json_decode(file_get_contents($path), true);
}

function root_dir() { return cromt_read(cache_dir() . '/places.json')['root_dir']; }
function project_root_dir() { return root_dir(); }
function task_dir() { return cromt_read(cache_dir() . '/places.json')['task_dir']; }
function stdout_file() { return cache_dir() . '/stdout'; }

function config() { return cromt_read(cache_root_dir() . '/config.json'); }
function task_variables() { return cromt_read(cache_dir() . '/variables.json'); }
function task_var(string $name) { return task_variables()[$name] ?? null; }

function set_stdout(string $line)
{
    file_put_contents(stdout_file(), str_ends_with($line, "\n") ? $line : "$line\n", FILE_APPEND);
}

function run_task(string $path, ?array $params = null)
{
    echo "task_var_json_begin\n", $params ? json_encode($params) : '{}', "\ntask_var_json_end\ntask: $path\n";
}

function ignore_error() { echo "ignore_error:\n"; }
function ignore_task_error() { ignore_error(); }
function ignore_task_check_error() { echo "ignore_task_check_error:\n"; }

function get_state()
{
    $path = cache_root_dir() . '/state.json';
    return file_exists($path) ? json_decode(file_get_contents($path), true) : [];
}

function update_state($state)
{
    file_put_contents(cache_root_dir() . '/state.json', json_encode($state));
}

// What a check found so far: for code: and generator: of task.check.
function matched() { return file(cache_root_dir() . '/matched.txt', FILE_IGNORE_NEW_LINES); }
function captures() { return array_column(cromt_read(cache_root_dir() . '/captures.json'), 'data'); }
function capture() { return captures()[0] ?? null; }
function streams() { return cromt_read(cache_root_dir() . '/streams.json'); }
function streams_array() { return cromt_read(cache_root_dir() . '/streams-array.json'); }

foreach (array_unique([task_dir(), root_dir()]) as $cromt_dir) {
    if (file_exists("$cromt_dir/common.php")) {
        require_once "$cromt_dir/common.php";
    }
}
