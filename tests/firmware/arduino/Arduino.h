// What the example uses of Arduino, so that it can be compiled without it. Types as in Arduino's own headers.
#pragma once
#include <stddef.h>
#include <stdint.h>

constexpr uint8_t INPUT_PULLUP = 2, OUTPUT = 1, LOW = 0, HIGH = 1, A0 = 14;
void pinMode(uint8_t pin, uint8_t mode);
int digitalRead(uint8_t pin);
void digitalWrite(uint8_t pin, uint8_t level);
int analogRead(uint8_t pin);
unsigned long millis();
unsigned long micros();

struct SerialPort {
  void begin(unsigned long baud);
  int available();
  int read();
  size_t write(const uint8_t *bytes, size_t size);
};
extern SerialPort Serial;
