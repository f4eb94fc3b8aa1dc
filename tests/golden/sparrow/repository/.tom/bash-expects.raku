bash "echo count 42", %( expect_stdout => '"count" \s+ \d+' );
