#include "chip.h"

/* Registers: Stellaris LM3S6965 data sheet, and the Cortex-M3 technical reference manual. */
#define REG(address) (*(volatile uint32_t *)(address))
#define UART_DATA REG(0x4000C000U)
#define UART_FLAGS REG(0x4000C018U)
#define RX_EMPTY 0x10U
#define TX_FULL 0x20U
#define GPIO_F1 REG(0x40025008U) /* the address holds the mask: pin 1 alone; the board's SELECT button, low when down */
#define WDT_LOAD REG(0x40000000U)
#define WDT_CONTROL REG(0x40000008U)
#define SYSTICK_CONTROL REG(0xE000E010U)
#define SYSTICK_RELOAD REG(0xE000E014U)
#define NVIC_ENABLE REG(0xE000E100U)
#define SCB_AIRCR REG(0xE000ED0CU)
#define SCB_CFSR REG(0xE000ED28U)
#define CLOCK_HZ 12500000U
#define WATCHDOG_IRQ 18U

extern uint32_t data_start, data_end, data_from, bss_start, bss_end, stack_end;
int main(void);

/* Both survive a reset: `why` is what the last life left behind. */
el_held held __attribute__((section(".noinit")));
static uint32_t why __attribute__((section(".noinit")));
#define WHY_FAULT 0x0FA17001U
#define WHY_WATCHDOG 0x0D060001U
#define WHY_SOFTWARE 0x50F70001U

const char *reason;
static volatile uint32_t ticks;

uint32_t now_ms(void)
{
    return ticks;
}

bool port_write(void *context, const uint8_t *frame, uint16_t size)
{
    (void)context;
    for (uint16_t i = 0U; i < size; i++) {
        while ((UART_FLAGS & TX_FULL) != 0U) {
        }
        UART_DATA = frame[i];
    }
    return true;
}

void port_text(const char *text)
{
    for (; *text != '\0'; text++) {
        UART_DATA = (uint32_t)*text;
    }
}

bool port_read(uint8_t *byte)
{
    const bool some = (UART_FLAGS & RX_EMPTY) == 0U;
    if (some) {
        *byte = (uint8_t)UART_DATA;
    }
    return some;
}

bool button_down(void)
{
    return GPIO_F1 == 0U;
}

void watchdog_feed(void)
{
    WDT_LOAD = 2U * CLOCK_HZ; /* two seconds to its interrupt, two more to the reset; writing it begins anew */
}

static void reset_now(void)
{
    SCB_AIRCR = 0x05FA0004U; /* SYSRESETREQ */
    for (;;) {
    }
}

void restart(void)
{
    why = WHY_SOFTWARE;
    reset_now();
}

void rest(void)
{
    __asm volatile("wfi");
}

static void tick(void)
{
    ticks++;
}

/* What the processor put on the stack when the exception came: r0-r3, r12, lr, pc, psr. */
static void note(const uint32_t *frame, const char *what)
{
    el_crashed(&held, what, frame[6], frame[5], frame[7], SCB_CFSR, &frame[8], &stack_end, ticks);
}

__attribute__((used)) static void faulted(const uint32_t *frame)
{
    note(frame, "hard fault");
    why = WHY_FAULT;
    reset_now();
}

/* The first time-out of the watchdog: whoever hangs is on the stack. The second one resets the chip. */
__attribute__((used)) static void hung(const uint32_t *frame)
{
    note(frame, "watchdog");
    why = WHY_WATCHDOG;
    for (;;) {
    }
}

__attribute__((naked)) static void fault(void)
{
    __asm volatile("mrs r0, msp\n b faulted");
}

__attribute__((naked)) static void watchdog(void)
{
    __asm volatile("mrs r0, msp\n b hung");
}

void reset(void)
{
    uint32_t *from = &data_from;
    for (uint32_t *to = &data_start; to < &data_end; to++) {
        *to = *from;
        from++;
    }
    for (uint32_t *to = &bss_start; to < &bss_end; to++) {
        *to = 0U;
    }
    reason = (why == WHY_FAULT) ? "fault" : (why == WHY_WATCHDOG) ? "watchdog"
           : (why == WHY_SOFTWARE) ? "software" : "power";
    why = 0U;
    SYSTICK_RELOAD = (CLOCK_HZ / 1000U) - 1U;
    SYSTICK_CONTROL = 7U;
    watchdog_feed();
    WDT_CONTROL = 3U; /* interrupt, then reset */
    NVIC_ENABLE = 1U << WATCHDOG_IRQ;
    (void)main();
    restart();
}

typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16 + WATCHDOG_IRQ + 1] = {
    (vector)(uintptr_t)&stack_end, reset, fault, fault, fault, fault, fault,
    [15] = tick, [16 + WATCHDOG_IRQ] = watchdog
};
