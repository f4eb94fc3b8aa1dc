say "name={config()<name>} deep={config()<a><b>}";
say config()<list>.join(",");
