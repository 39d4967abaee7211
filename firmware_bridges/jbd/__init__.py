"""JBD (Xiaoxiang, Overkill Solar), a battery management system."""
