"""What a trouble code means, in a few words (SAE J2012, the definitions that all makers share).

Most codes are families: a sensor has five codes in a row, a cylinder one. So the table is of subjects, and the
sentence is put together. `meaning("P0118")` is "engine coolant temperature sensor: signal too high".
"""

_SENSOR = ("fault in its circuit", "signal implausible", "signal too low", "signal too high", "signal comes and goes")
_OXYGEN = (
    "fault in its circuit",
    "voltage too low",
    "voltage too high",
    "reacts too slowly",
    "does not react",
    "fault in its heater",
)
# First code of five: a sensor.
_SENSORS = {
    70: "outside air temperature sensor",
    100: "air flow sensor",
    105: "intake pressure sensor",
    110: "intake air temperature sensor",
    115: "engine coolant temperature sensor",
    120: "throttle or pedal position sensor A",
    180: "fuel temperature sensor A",
    185: "fuel temperature sensor B",
    190: "fuel rail pressure sensor",
    195: "engine oil temperature sensor",
    220: "throttle or pedal position sensor B",
    225: "throttle or pedal position sensor C",
    325: "knock sensor 1",
    330: "knock sensor 2",
    335: "crankshaft position sensor A",
    340: "camshaft position sensor, bank 1",
    345: "camshaft position sensor, bank 2",
    385: "crankshaft position sensor B",
    460: "fuel level sensor",
    520: "engine oil pressure sensor",
    550: "power steering pressure sensor",
    705: "gear selector sensor",
    710: "gearbox oil temperature sensor",
    2226: "outside air pressure sensor",
}
# First code of four: a speed sensor.
_SPEED = ("fault in its circuit", "signal implausible", "no signal", "signal comes and goes")
_SPEEDS = {
    500: "vehicle speed sensor",
    715: "gearbox input speed sensor",
    720: "gearbox output speed sensor",
    725: "engine speed signal at the gearbox",
}
# First code of six: an oxygen sensor (bank, place).
_OXYGENS = {
    130: "oxygen sensor 1 of bank 1",
    136: "oxygen sensor 2 of bank 1",
    142: "oxygen sensor 3 of bank 1",
    150: "oxygen sensor 1 of bank 2",
    156: "oxygen sensor 2 of bank 2",
    162: "oxygen sensor 3 of bank 2",
}
# First code of a row that counts: cylinders, coils, gears.
_NUMBERED = {
    201: (12, "injector of cylinder {}: fault in its circuit"),
    301: (12, "cylinder {} misfires"),
    351: (12, "ignition coil {}: fault in its circuit"),
    671: (12, "glow plug of cylinder {}: fault in its circuit"),
    731: (6, "gear {} has the wrong ratio"),
    480: (3, "cooling fan {}: fault in its circuit"),
}
_SINGLE = {
    "P0010": "camshaft adjuster of bank 1: fault in its circuit",
    "P0011": "intake camshaft of bank 1 too far advanced",
    "P0012": "intake camshaft of bank 1 too far retarded",
    "P0014": "exhaust camshaft of bank 1 too far advanced",
    "P0016": "crankshaft and camshaft of bank 1 do not agree",
    "P0021": "intake camshaft of bank 2 too far advanced",
    "P0030": "oxygen sensor of bank 1, sensor 1: fault in its heater",
    "P0087": "fuel pressure too low",
    "P0088": "fuel pressure too high",
    "P0089": "fuel pressure regulator does not hold the pressure",
    "P0093": "large fuel leak",
    "P0125": "coolant too cold for the fuel control",
    "P0126": "coolant too cold for steady running",
    "P0128": "coolant does not get warm enough (thermostat)",
    "P0169": "fuel of the wrong kind",
    "P0170": "fuel trim of bank 1 out of range",
    "P0171": "mixture of bank 1 too lean",
    "P0172": "mixture of bank 1 too rich",
    "P0173": "fuel trim of bank 2 out of range",
    "P0174": "mixture of bank 2 too lean",
    "P0175": "mixture of bank 2 too rich",
    "P0217": "engine too hot",
    "P0218": "gearbox too hot",
    "P0219": "engine speed too high",
    "P0230": "fuel pump: fault in its circuit",
    "P0234": "charging pressure too high",
    "P0243": "charging pressure valve A: fault in its circuit",
    "P0299": "charging pressure too low",
    "P0300": "several cylinders misfire",
    "P0380": "glow plugs: fault in their circuit",
    "P0400": "exhaust gas recirculation: wrong flow",
    "P0401": "exhaust gas recirculation: too little flow",
    "P0402": "exhaust gas recirculation: too much flow",
    "P0403": "exhaust gas recirculation: fault in its circuit",
    "P0404": "exhaust gas recirculation: implausible position",
    "P0410": "secondary air system does not work",
    "P0411": "secondary air system: wrong flow",
    "P0420": "catalyst of bank 1 does not clean enough",
    "P0430": "catalyst of bank 2 does not clean enough",
    "P0440": "fuel vapour system does not work",
    "P0441": "fuel vapour system: wrong flow",
    "P0442": "fuel vapour system: small leak",
    "P0443": "fuel vapour valve: fault in its circuit",
    "P0455": "fuel vapour system: large leak",
    "P0456": "fuel vapour system: very small leak",
    "P0457": "fuel vapour system: leak (fuel cap loose or missing)",
    "P0503": "vehicle speed sensor: signal comes and goes",
    "P0504": "brake switches do not agree",
    "P0505": "idle speed control does not work",
    "P0506": "idle speed too low",
    "P0507": "idle speed too high",
    "P0524": "engine oil pressure too low",
    "P0530": "air conditioning pressure sensor: fault in its circuit",
    "P0534": "air conditioning has lost its refrigerant",
    "P0560": "on-board voltage out of range",
    "P0561": "on-board voltage unstable",
    "P0562": "on-board voltage too low",
    "P0563": "on-board voltage too high",
    "P0571": "brake switch: fault in its circuit",
    "P0600": "control unit: fault in its data link",
    "P0601": "engine control unit: memory does not match its checksum",
    "P0602": "engine control unit is not programmed",
    "P0604": "engine control unit: fault in its memory",
    "P0606": "engine control unit: fault in its processor",
    "P0620": "alternator: fault in its control circuit",
    "P0621": "charge lamp: fault in its circuit",
    "P0622": "alternator: fault in its field circuit",
    "P0700": "gearbox control unit has stored a code",
    "P0730": "wrong gear ratio",
    "P0740": "torque converter clutch: fault in its circuit",
    "P0741": "torque converter clutch does not close",
    "P2002": "particle filter of bank 1 does not filter enough",
    "P2096": "mixture behind the catalyst of bank 1 too lean",
    "P2097": "mixture behind the catalyst of bank 1 too rich",
    "P2135": "throttle position sensors A and B do not agree",
    "P2138": "pedal position sensors do not agree",
    "P2195": "oxygen sensor of bank 1, sensor 1 stays lean",
    "P2196": "oxygen sensor of bank 1, sensor 1 stays rich",
    "P226D": "particle filter of bank 1 deteriorated or missing",
    "P226E": "particle filter of bank 2 deteriorated or missing",
    "P2263": "charging pressure system does not reach its pressure",
    "P242F": "particle filter full of ash",
    "P2452": "particle filter pressure sensor: fault in its circuit",
    "P2453": "particle filter pressure sensor: signal implausible",
    "P2458": "particle filter is cleaned for too long",
    "P2459": "particle filter is cleaned too often",
    "P2463": "particle filter full of soot",
    "P20EE": "exhaust fluid catalyst of bank 1 does not clean enough",
    "P203F": "exhaust fluid too low",
    "P207F": "exhaust fluid of bad quality",
    "P2610": "engine-off timer of the engine control unit does not work",
    "U0001": "fast data bus (CAN) disturbed",
    "U0073": "data bus A of the control units is off",
    "U0100": "no communication with the engine control unit",
    "U0101": "no communication with the gearbox control unit",
    "U0121": "no communication with the brake (ABS) control unit",
    "U0131": "no communication with the power steering control unit",
    "U0140": "no communication with the body control unit",
    "U0151": "no communication with the airbag control unit",
    "U0155": "no communication with the instrument cluster",
}
# J2012 §5: the second digit says who defined a code; of the powertrain's P3, the upper part is shared again.
_MAKERS_OWN = ("P1", "P30", "P31", "P32", "P33", "B1", "B2", "C1", "C2", "U1", "U2")
_OWN = "defined by the vehicle's maker: see its manual"
_AREAS = {
    "P00": "fuel, air or exhaust control", "P01": "fuel or air measurement", "P02": "fuel injection",
    "P03": "ignition or misfire", "P04": "exhaust cleaning", "P05": "speed, idle or auxiliary inputs",
    "P06": "control unit", "P07": "gearbox", "P08": "gearbox", "P09": "gearbox", "P0A": "hybrid drive",
    "P20": "exhaust cleaning", "P21": "air or throttle control", "P22": "exhaust measurement",
    "P24": "exhaust cleaning", "B": "body electronics", "C": "chassis, brakes or steering",
    "U": "communication between control units",
}  # fmt: skip


def meaning(code: str) -> str:
    """An English phrase for a code such as "P0118"; where only its area is known, that; never empty."""
    if code in _SINGLE:
        return _SINGLE[code]
    if code.startswith(_MAKERS_OWN):
        return _OWN
    if code[0] == "P" and code[1:].isdecimal():
        number = int(code[1:])  # the digits are written in hexadecimal and counted in decimal: P0312 is cylinder 12
        for subjects, faults in ((_OXYGENS, _OXYGEN), (_SENSORS, _SENSOR), (_SPEEDS, _SPEED)):
            for place, fault in enumerate(faults):
                if number - place in subjects:
                    return f"{subjects[number - place]}: {fault}"
        for first, (count, words) in _NUMBERED.items():
            if first <= number < first + count:
                return words.format(number - first + 1)
    area = _AREAS.get(code[:3]) or _AREAS.get(code[:1])
    return f"{area}; not in this table" if area else ""
