"""What the Bluetooth SIG has standardised: battery, device information, environment, heart rate, blood pressure."""
