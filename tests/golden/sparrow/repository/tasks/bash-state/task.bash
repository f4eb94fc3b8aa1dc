update_state version 1.2
