/* A help button on the native link, for Zephyr: the UART chosen as `zephyr,console`, the button `sw0`, the lamp `led0`.
 * Not built by this project's tests, which have no Zephyr; the calls are those of Zephyr 3.7. */
#include <zephyr/device.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/fatal.h>
#include <zephyr/kernel.h>
#include <zephyr/random/random.h>
#include <zephyr/sys/reboot.h>
#include <zephyr/sys/ring_buffer.h>

#include <string.h>

#include "edgedevice.h"

#define HOLD_MS 3000
#define BOUNCE_MS 30

enum { HELP };
static const el_channel channels[] = {{"help", "", EL_STATE}};
static uint8_t uid[16];
static el_identity who = {"Acme", "panel", "1.0", "zephyr", uid, 0, 5000, channels, 1};

static __noinit el_held held;
static el_device device;
static bool reboot_wanted;

static const struct device *const port = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));
static const struct gpio_dt_spec button = GPIO_DT_SPEC_GET(DT_ALIAS(sw0), gpios);
static const struct gpio_dt_spec lamp = GPIO_DT_SPEC_GET(DT_ALIAS(led0), gpios);
RING_BUF_DECLARE(received, 256);

static void on_uart(const struct device *from, void *unused)
{
    uint8_t bytes[16];
    ARG_UNUSED(unused);
    while (uart_irq_update(from) && uart_irq_rx_ready(from)) {
        const int size = uart_fifo_read(from, bytes, sizeof bytes);
        (void)ring_buf_put(&received, bytes, (uint32_t)MAX(size, 0));
    }
}

static bool write_frame(void *unused, const uint8_t *frame, uint16_t size)
{
    ARG_UNUSED(unused);
    for (uint16_t i = 0; i < size; i++) {
        uart_poll_out(port, frame[i]);
    }
    return true;
}

static uint8_t obey(void *unused, const char *verb, el_reader *arguments)
{
    ARG_UNUSED(unused);
    ARG_UNUSED(arguments);
    if (strcmp(verb, "reset") != 0) {
        return EL_UNKNOWN_VERB;
    }
    reboot_wanted = true; /* when the answer is out */
    return EL_OK;
}

static const el_hooks hooks = {NULL, write_frame, obey, NULL};

/* Zephyr's own hook for everything fatal: note it, and start anew. */
void k_sys_fatal_error_handler(unsigned int reason, const struct arch_esf *esf)
{
#ifdef CONFIG_ARM
    if (esf != NULL) {
        el_crashed(&held, reason == K_ERR_CPU_EXCEPTION ? "hard fault" : "fatal", esf->basic.pc, esf->basic.lr,
                   esf->basic.xpsr, 0, NULL, NULL, k_uptime_get_32());
    }
#endif
    sys_reboot(SYS_REBOOT_COLD);
}

static const char *why(void)
{
    uint32_t cause = 0;
    (void)hwinfo_get_reset_cause(&cause);
    (void)hwinfo_clear_reset_cause();
    return cause & RESET_WATCHDOG ? "watchdog" : cause & RESET_SOFTWARE ? "software"
         : cause & RESET_BROWNOUT ? "brownout" : cause & RESET_PIN ? "pin" : "power";
}

static void say_level(bool down, uint32_t now)
{
    el_writer w;
    el_data(&device, &w, 1, now);
    el_uint(&w, HELP);
    el_bool(&w, down);
    (void)el_send(&device, &w);
}

int main(void)
{
    bool down = false;
    bool called = false;
    uint32_t stable = 0, since = 0, said = 0;
    const ssize_t size = hwinfo_get_device_id(uid, sizeof uid);
    who.uid_size = (uint8_t)MAX(size, 0);
    (void)gpio_pin_configure_dt(&button, GPIO_INPUT);
    (void)gpio_pin_configure_dt(&lamp, GPIO_OUTPUT_INACTIVE);
    (void)uart_irq_callback_set(port, on_uart);
    uart_irq_rx_enable(port);
    el_device_init(&device, &who, &held, &hooks, why(), sys_rand32_get(), k_uptime_get_32());
    for (;;) {
        const uint32_t now = k_uptime_get_32();
        uint8_t byte;
        while (ring_buf_get(&received, &byte, 1) == 1) {
            el_device_byte(&device, byte, now);
        }
        if (reboot_wanted) {
            sys_reboot(SYS_REBOOT_COLD);
        }
        el_device_poll(&device, now);
        if ((gpio_pin_get_dt(&button) == 1) == down) {
            stable = now;
        } else if (now - stable >= BOUNCE_MS) {
            down = !down;
            called = false;
            since = now;
            said = now - 1000;
        }
        if (down && !called && now - since >= HOLD_MS) {
            called = el_raise(&device, "help", EL_ALARM, "help", "the help button was held", now);
        }
        if (now - said >= (down || now - since < 1000 ? 250 : 1000)) {
            said = now;
            say_level(down, now);
        }
        (void)gpio_pin_set_dt(&lamp, el_holding(&device));
        k_msleep(10);
    }
}
