"""Nova SDS011, particles in the air."""
