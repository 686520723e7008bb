"""datasets/synth/cadastre."""
