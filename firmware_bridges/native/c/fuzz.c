/* For libFuzzer (make fuzz-c); with -DFUZZ_MAIN a program that reads inputs from stdin: two bytes of length, then so many.
 *
 * Each input is a stream of the wire to a receiver with a small buffer and one to a whole device, and a body to the
 * reader. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgedevice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t obey(void *context, const char *verb, el_reader *arguments)
{
    el_value value;
    (void)context;
    while (el_next(arguments, &value) != (uint8_t)EL_END) {
        if ((value.kind == (uint8_t)EL_TEXT) && (value.n > 0U) && (value.at[value.n - 1U] == 0xFFU)) {
            return EL_BAD_ARGUMENT;
        }
    }
    return (strlen(verb) > 24U) ? EL_FAILED : EL_OK;
}

static bool put(void *context, const uint8_t *frame, uint16_t size)
{
    uint32_t *sum = context;
    *sum = el_crc32(*sum, frame, size);
    return (*sum & 7U) != 0U; /* a port that is full now and then */
}

static void pass(void *context, const uint8_t *frame, uint16_t size)
{
    (void)put(context, frame, size);
}

static void read_body(const uint8_t *data, uint16_t size)
{
    el_reader reader;
    el_value value;
    el_read(&reader, data, size);
    while (el_next(&reader, &value) != (uint8_t)EL_END) {
        el_reader ahead = reader;
        (void)el_skip(&ahead, &value);
        (void)el_as_float(&value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t uid[3] = {1, 2, 3};
    static const el_channel channels[2] = {{"temperature", "Cel", EL_GAUGE}, {"help", "", EL_STATE}};
    static const el_identity who = {"Acme", "panel", "1", "b", uid, 3, 1000, channels, 2};
    uint32_t sum = 0U;
    const el_hooks hooks = {&sum, put, obey, pass};
    uint8_t frame[32];
    el_held held;
    el_device device;
    el_rx rx;
    memset(&held, (size > 0U) ? data[0] : 0, sizeof held);
    el_rx_init(&rx, frame, sizeof frame);
    el_device_init(&device, &who, &held, &hooks, "power", 5U, 0U);
    (void)el_raise(&device, "help", EL_ALARM, "help", "held", 1U);
    for (size_t i = 0U; i < size; i++) {
        if (el_rx_byte(&rx, data[i])) {
            read_body(rx.body, rx.size);
        }
        el_device_byte(&device, data[i], (uint32_t)(10U * i));
        if ((i % 16U) == 0U) {
            el_device_poll(&device, (uint32_t)(10U * i));
        }
    }
    if (size <= 0xFFFFU) {
        read_body(data, (uint16_t)size);
    }
    return 0;
}

#ifdef FUZZ_MAIN
int main(void)
{
    uint8_t length[2];
    unsigned long inputs = 0U;
    while (fread(length, 1U, 2U, stdin) == 2U) {
        const size_t size = (size_t)length[0] | ((size_t)length[1] << 8);
        uint8_t *data = malloc((size > 0U) ? size : 1U); /* of exactly this size, so that a step beyond is seen */
        if ((data == NULL) || (fread(data, 1U, size, stdin) != size)) {
            return 1;
        }
        (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
        inputs++;
    }
    printf("%lu\n", inputs);
    return 0;
}
#endif
