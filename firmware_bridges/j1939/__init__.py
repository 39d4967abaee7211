"""SAE J1939, the bus of trucks, buses, motorhome chassis and generators."""
