"""The ready scenarios, one TOML file each."""
