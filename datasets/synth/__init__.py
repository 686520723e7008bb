"""The synthetic commune: a made-up place whose every building is known."""
