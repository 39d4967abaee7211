"""VE.Direct, the cable port of Victron chargers, battery monitors and inverters."""
