%( name => "default".uc, a => %( n => 1 + 1, list => <x y>.reverse.join("-") ) )
