"""OpenTherm Gateway, what a boiler and its thermostat say to each other."""
