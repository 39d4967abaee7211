// A thermometer with a help button on the native link. Put edgelink.c, edgelink.h, edgedevice.c and edgedevice.h from
// firmware_bridges/native/c beside this file. It needs about 1.2 kB of RAM: an Uno has it, if little else is in it.
#include "edgedevice.h"

const uint8_t BUTTON = 2;  // to GND, with the chip's own pull-up
const uint8_t LAMP = 13;   // lit while something waits for the gateway's word
const uint8_t SENSOR = A0; // TMP36: 10 mV a degree, 500 mV at 0 degrees Celsius
const unsigned long HOLD_MS = 3000, BOUNCE_MS = 30, MEASURE_MS = 1000, AGAIN_MS = 250;

enum { TEMPERATURE, HELP };
static const el_channel channels[] = {{"temperature", "Cel", EL_GAUGE}, {"help", "", EL_STATE}};
static const uint8_t uid[] = {0x00, 0x01};  // another one for each board: the chip's own number, where it has one
static const el_identity who = {"Acme", "panel", "1.0", "sketch", uid, sizeof uid, 5000, channels, 2};

static el_held held __attribute__((section(".noinit")));  // ESP32: RTC_NOINIT_ATTR el_held held;
static el_device device;

static bool writeFrame(void *, const uint8_t *frame, uint16_t size) {
  return Serial.write(frame, size) == size;
}

static const el_hooks hooks = {nullptr, writeFrame, nullptr, nullptr};

static void sendValues(bool down) {
  el_writer w;
  el_data(&device, &w, 2, millis());
  el_uint(&w, TEMPERATURE);
  el_float(&w, (analogRead(SENSOR) * (5.0f / 1024.0f) - 0.5f) * 100.0f);
  el_uint(&w, HELP);
  el_bool(&w, down);
  el_send(&device, &w);
}

void setup() {
  pinMode(BUTTON, INPUT_PULLUP);
  pinMode(LAMP, OUTPUT);
  Serial.begin(115200);
  // What an open pin picks up is chance enough: this number only counts where the memory did not survive.
  el_device_init(&device, &who, &held, &hooks, "power", (uint32_t)analogRead(SENSOR) << 16 ^ micros(), millis());
}

void loop() {
  static bool down = false, called = false;
  static unsigned long stableSince = 0, downSince = 0, saidAt = 0;
  const unsigned long now = millis();

  while (Serial.available() > 0) {
    el_device_byte(&device, (uint8_t)Serial.read(), now);
  }
  el_device_poll(&device, now);

  if ((digitalRead(BUTTON) == LOW) == down) {
    stableSince = now;
  } else if (now - stableSince >= BOUNCE_MS) {
    down = !down;
    called = false;
    downSince = now;
    saidAt = now - MEASURE_MS;  // say it at once
  }
  if (down && !called && now - downSince >= HOLD_MS) {
    called = el_raise(&device, "help", EL_ALARM, "help", "the help button was held", now);
  }
  if (now - saidAt >= (down || now - downSince < MEASURE_MS ? AGAIN_MS : MEASURE_MS)) {
    saidAt = now;
    sendValues(down);
  }
  digitalWrite(LAMP, el_holding(&device) ? HIGH : LOW);
}
