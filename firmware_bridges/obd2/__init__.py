"""OBD-II through an ELM327 or STN adapter."""
