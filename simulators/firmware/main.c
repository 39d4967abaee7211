/* A small product: it measures, has a help button, obeys, and may crash. What stands here is what a maker writes. */
#include "chip.h"

#include <stddef.h>

#ifndef BUILD
#define BUILD "dev"
#endif
#define HOLD_MS 3000U
#define BOUNCE_MS 30U
#define REPEAT_MS 250U
#define MEASURE_MS 1000U

enum { TEMPERATURE, PRESSES, HELP };
static const el_channel channels[] = {
    {"temperature", "Cel", EL_GAUGE}, {"presses", "", EL_COUNTER}, {"help", "", EL_STATE}
};
static const uint8_t uid[] = {0x51, 0x45, 0x4D, 0x55, 0x00, 0x01};
static const el_identity identity = {"Acme", "help panel", "1.0.0", BUILD, uid, sizeof uid, 1000U, channels, 3U};

static el_device device;
static bool restart_wanted;
static bool crash_wanted;
static bool hang_wanted;

static bool same(const char *a, const char *b)
{
    while ((*a != '\0') && (*a == *b)) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Only notes what to do: the answer must be on its way before. */
static uint8_t obey(void *context, const char *verb, el_reader *arguments)
{
    uint8_t status = EL_OK;
    (void)context;
    (void)arguments;
    if (same(verb, "reset")) {
        restart_wanted = true;
    } else if (same(verb, "crash")) {
        crash_wanted = true;
    } else if (same(verb, "hang")) {
        hang_wanted = true;
    } else {
        status = EL_UNKNOWN_VERB;
    }
    return status;
}

/* As much of an SMP server as shows that one is reached; a real product hands the frame to its MCUmgr. The header has
 * operation, flags, length, group, sequence and command; then CBOR (docs.zephyrproject.org, SMP protocol). */
static void manage(void *context, const uint8_t *frame, uint16_t size)
{
    static uint8_t answer[EL_MAX_BODY];
    static const uint8_t nothing[] = {0xA0};                             /* {} */
    static const uint8_t not_supported[] = {0xA1, 0x62, 'r', 'c', 0x08}; /* {"rc": MGMT_ERR_ENOTSUP} */
    const uint8_t *body = not_supported;
    uint16_t length = sizeof not_supported;
    (void)context;
    if ((size < 8U) || (size > sizeof answer)) {
        return;
    }
    if ((frame[5] == 0U) && (frame[7] == 0U) && (size > 10U) && (frame[10] == (uint8_t)'d')) {
        body = &frame[8]; /* os echo: what comes as "d" goes back as "r" */
        length = (uint16_t)(size - 8U);
    } else if ((frame[5] == 0U) && (frame[7] == 5U)) {
        body = nothing; /* os reset */
        length = sizeof nothing;
        restart_wanted = true;
    } else {
        /* all else is not there */
    }
    for (uint16_t i = 0U; i < 8U; i++) {
        answer[i] = frame[i];
    }
    answer[0] |= 1U; /* the answer to this operation */
    answer[2] = (uint8_t)(length >> 8);
    answer[3] = (uint8_t)length;
    for (uint16_t i = 0U; i < length; i++) {
        answer[8U + i] = body[i];
    }
    if (body == &frame[8]) {
        answer[10] = (uint8_t)'r';
    }
    (void)el_smp(&device, answer, (uint16_t)(8U + length));
}

static const el_hooks hooks = {NULL, port_write, obey, manage};

__attribute__((noinline)) static void divide_what_is_not_there(void)
{
    __asm volatile("udf #1"); /* an instruction that does not exist: a real fault */
}

__attribute__((noinline)) static void wait_for_nothing(void)
{
    while (hang_wanted) {
        __asm volatile("nop");
    }
}

/* A slow swing about 21 degrees, so that there is something to see. */
static float temperature(uint32_t at_ms)
{
    const uint32_t phase = (at_ms / 1000U) % 120U;
    return 20.0F + ((float)((phase < 60U) ? phase : (120U - phase)) / 30.0F);
}

static void say_values(uint32_t presses, bool down, uint32_t now)
{
    el_writer w;
    el_data(&device, &w, 3U, now);
    el_uint(&w, TEMPERATURE);
    el_float(&w, temperature(now));
    el_uint(&w, PRESSES);
    el_uint(&w, presses);
    el_uint(&w, HELP);
    el_bool(&w, down);
    (void)el_send(&device, &w);
}

static void do_what_was_noted(void)
{
    if (restart_wanted) {
        restart();
    }
    if (crash_wanted) {
        divide_what_is_not_there();
    }
    if (hang_wanted) {
        wait_for_nothing();
    }
}

int main(void)
{
    uint32_t said_ms = now_ms();
    uint32_t down_ms = 0U;
    uint32_t stable_ms = said_ms;
    uint32_t presses = 0U;
    bool down = false;
    bool called = false;
    port_text("help panel " BUILD ": starting\r\n");
    el_device_init(&device, &identity, &held, &hooks, reason, 0x5EED0000U + now_ms(), now_ms());
    for (;;) {
        const uint32_t now = now_ms();
        uint8_t byte;
        while (port_read(&byte)) {
            el_device_byte(&device, byte, now);
            do_what_was_noted();
        }
        if (button_down() == down) {
            stable_ms = now;
        } else if ((now - stable_ms) >= BOUNCE_MS) {
            down = !down;
            called = false;
            down_ms = now;
            presses += down ? 1U : 0U;
            said_ms = now - MEASURE_MS; /* say it at once */
        } else {
            /* it bounces */
        }
        if (down && !called && ((now - down_ms) >= HOLD_MS)) {
            called = el_raise(&device, "help", EL_ALARM, "help", "the help button was held", now);
        }
        if ((now - said_ms) >= ((now - down_ms < MEASURE_MS) || down ? REPEAT_MS : MEASURE_MS)) {
            said_ms = now;
            say_values(presses, down, now);
        }
        el_device_poll(&device, now);
        watchdog_feed();
        rest();
    }
}
