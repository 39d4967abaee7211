"""EMS, the bus of Bosch, Buderus, Nefit and Worcester boilers."""
