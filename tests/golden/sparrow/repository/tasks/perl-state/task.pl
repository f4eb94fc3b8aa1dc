update_state({ colour => "red" });
