"""Trouble codes of J1939 in words: what is concerned (SPN) and how it fails (FMI, SAE J1939-73 annex A)."""

FAILURES = {
    0: "far too high",
    1: "far too low",
    2: "erratic or wrong",
    3: "voltage too high, or short circuit to supply",
    4: "voltage too low, or short circuit to ground",
    5: "current too low, or circuit open",
    6: "current too high, or circuit grounded",
    7: "does not move as it should",
    8: "frequency, pulse width or period wrong",
    9: "data comes too seldom",
    10: "changes too fast",
    11: "cause not known",
    12: "device or part defective",
    13: "out of calibration",
    14: "see the maker's manual",
    15: "slightly too high",
    16: "too high",
    17: "slightly too low",
    18: "too low",
    19: "wrong data from the network",
    20: "drifted high",
    21: "drifted low",
    31: "condition exists",
}
SUBJECTS = {
    27: "exhaust gas recirculation valve", 51: "throttle position", 70: "parking brake", 84: "vehicle speed",
    91: "accelerator pedal position", 94: "fuel pressure", 95: "fuel filter", 96: "fuel level", 97: "water in fuel",
    98: "engine oil level", 99: "engine oil filter", 100: "engine oil pressure", 101: "crankcase pressure",
    102: "boost pressure", 103: "turbocharger speed", 105: "intake manifold temperature", 106: "air inlet pressure",
    107: "air filter", 108: "air pressure outside", 109: "coolant pressure", 110: "coolant temperature",
    111: "coolant level", 114: "battery current", 115: "alternator current", 117: "brake pressure, circuit 1",
    118: "brake pressure, circuit 2", 127: "gearbox oil pressure", 157: "injection pressure",
    158: "key switch voltage", 167: "charging voltage", 168: "battery voltage", 171: "air temperature outside",
    172: "intake air temperature", 173: "exhaust gas temperature", 174: "fuel temperature",
    175: "engine oil temperature", 177: "gearbox oil temperature", 190: "engine speed", 191: "gearbox output speed",
    237: "vehicle's number", 247: "engine hours", 411: "pressure across the exhaust gas recirculation",
    412: "exhaust gas recirculation temperature", 513: "engine torque", 520: "retarder torque",
    558: "idle switch of the accelerator", 597: "brake switch", 609: "control unit 2", 611: "system code 1",
    612: "system code 2", 620: "5 V supply", 623: "red stop lamp", 624: "amber warning lamp", 626: "start aid",
    627: "supply voltage", 628: "program memory", 629: "control unit 1", 630: "calibration memory",
    632: "fuel shut-off valve", 636: "camshaft position sensor", 637: "ignition timing sensor",
    639: "data bus of the vehicle (J1939)", 641: "turbocharger actuator", 647: "fan clutch", 677: "starter relay",
    723: "second speed sensor", 729: "intake air heater", 730: "intake air heater 2", 974: "remote accelerator",
    976: "power take-off", 1127: "boost pressure 1", 1136: "control unit temperature",
    1176: "compressor inlet pressure",
    1322: "misfire of several cylinders",
    1347: "fuel pump pressure", 1387: "auxiliary pressure 1", 1569: "engine torque is reduced for protection",
    1675: "starter", 1761: "exhaust fluid level", 2791: "exhaust gas recirculation valve 1",
    3031: "exhaust fluid temperature",
    3216: "nitrogen oxides before the catalyst", 3226: "nitrogen oxides behind the catalyst",
    3242: "temperature before the particle filter", 3246: "temperature behind the particle filter",
    3251: "pressure across the particle filter", 3364: "exhaust fluid quality", 3509: "sensor supply 1",
    3510: "sensor supply 2", 3511: "sensor supply 3", 3719: "soot in the particle filter",
    3720: "ash in the particle filter", 4076: "coolant temperature 2", 4334: "exhaust fluid pressure",
    5246: "driver is warned for the exhaust cleaning",
}  # fmt: skip
SUBJECTS |= {651 + number: f"injector {number + 1}" for number in range(16)}
SUBJECTS |= {1268 + number: f"ignition coil {number + 1}" for number in range(16)}
SUBJECTS |= {1323 + number: f"misfire of cylinder {number + 1}" for number in range(12)}
# J1939-71: from here on a maker gives the numbers himself.
MAKERS_OWN = 516096


def meaning(spn: int, fmi: int) -> str:
    """Both in one phrase; of an SPN that is not in the table, who defines it."""
    subject = SUBJECTS.get(spn, "part defined by the maker" if spn >= MAKERS_OWN else f"parameter {spn}")
    failure = FAILURES.get(fmi)
    return f"{subject}: {failure}" if failure else subject
