echo fails; exit 3
