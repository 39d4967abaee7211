/* The chip of the simulated board, a Cortex-M3 (TI LM3S6965), as far as the firmware uses it. */
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "edgedevice.h"

extern el_held held;       /* survives a reset */
extern const char *reason; /* why it started */

uint32_t now_ms(void);
bool port_write(void *context, const uint8_t *frame, uint16_t size);
void port_text(const char *text);
bool port_read(uint8_t *byte);
bool button_down(void);
void watchdog_feed(void);
void restart(void);
void rest(void); /* until the next interrupt */

#endif
