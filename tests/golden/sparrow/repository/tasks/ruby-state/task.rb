update_state({ "colour" => "green" })
