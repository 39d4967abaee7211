"""DS18B20 thermometers on 1-Wire, as the kernel reads them."""
