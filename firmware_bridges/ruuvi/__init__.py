"""RuuviTag and Ruuvi Air, advertisements of the open data formats."""
