# What a Sparrow task in PowerShell asks of its runner.
function cache_dir { $env:cache_dir }
function cache_root_dir { $env:cache_root_dir }
function test_root_dir { cache_root_dir }
function os { $env:os }

function cromt_read { Param($path) Get-Content -Raw -Path $path | ConvertFrom-Json }

function root_dir { (cromt_read "$(cache_dir)/places.json").root_dir }
function project_root_dir { root_dir }
function task_dir { (cromt_read "$(cache_dir)/places.json").task_dir }
function stdout_file { "$(cache_dir)/stdout" }

function config { Param($Name) (cromt_read "$(cache_root_dir)/config.json").$Name }
function task_var { Param($Name) (cromt_read "$(cache_dir)/variables.json").$Name }

function set_stdout { Param($line) Add-Content -Encoding utf8 -Path (stdout_file) -Value $line }

function run_task {
  Param($path, $params = @{})
  Write-Host "task_var_json_begin`n$($params | ConvertTo-Json -Depth 10 -Compress)`ntask_var_json_end`ntask: $path"
}

function ignore_error { Param($val) Write-Host "ignore_error:" }
function ignore_task_error { Param($val) Write-Host "ignore_error:" }
function ignore_task_check_error { Param($val) Write-Host "ignore_task_check_error:" }

function get_state { if (Test-Path "$(cache_root_dir)/state.json") { cromt_read "$(cache_root_dir)/state.json" } else { @{} } }
function update_state { Param($State) $State | ConvertTo-Json -Depth 10 | Set-Content -Encoding utf8 "$(cache_root_dir)/state.json" }

# What a check found so far: for code: and generator: of task.check.
function captures { cromt_read "$(cache_root_dir)/captures.json" }
function capture { (captures)[0] }
function streams { cromt_read "$(cache_root_dir)/streams.json" }
function streams_array { cromt_read "$(cache_root_dir)/streams-array.json" }
