"""SML, the messages of German electricity meters."""
