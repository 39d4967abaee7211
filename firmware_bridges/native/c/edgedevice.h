/* The device's half of the native link: hello, beats, values, and what is held until the gateway has it (SPEC.md §5).
 *
 * Give it the bytes that arrive (el_device_byte), let it work now and then (el_device_poll, every 10 ms or so), and
 * call what you want to say. It writes whole frames through your `write`. One thread; no heap; no operating system.
 *
 * el_held is what must survive a reset: put it where the start-up code clears nothing (`.noinit`). What it holds is
 * sent again until the gateway acknowledges it: at most EL_MAX_EVENTS events and one crash record.
 */
#ifndef EDGEDEVICE_H
#define EDGEDEVICE_H

#include "edgelink.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef EL_MAX_EVENTS
#define EL_MAX_EVENTS 4U /* about 100 bytes each */
#endif
#define EL_NAME_SIZE 16U  /* with its zero, as the next ones */
#define EL_CODE_SIZE 12U
#define EL_TEXT_SIZE 48U
#define EL_STACK_WORDS 16U /* words of stack in a crash record */

enum el_channel_kind { EL_GAUGE = 0, EL_COUNTER = 1, EL_STATE = 2, EL_ANGLE = 3, EL_TEXTS = 4 };
enum el_level { EL_OVER = 0, EL_NOTICE = 1, EL_WARNING = 2, EL_ALARM = 3 };
enum el_status { EL_OK = 0, EL_FAILED = 5, EL_REFUSED = 13, EL_BUSY = 16, EL_BAD_ARGUMENT = 22, EL_UNKNOWN_VERB = 38 };

typedef struct {
    const char *name; /* lower case letters, digits and _; at most 32 */
    const char *unit; /* "Cel", "bar", "%"; empty where there is none */
    uint8_t kind;
} el_channel;

/* Each of these has its own checksum: a reset in the middle of writing one spoils no other. */
typedef struct {
    uint32_t boot;
    uint32_t n;
    uint32_t at_ms; /* in this boot; of an earlier one it is its start: so old at the least */
    uint8_t level;
    uint8_t held;   /* 0: nothing is held here */
    char name[EL_NAME_SIZE];
    char code[EL_CODE_SIZE];
    char text[EL_TEXT_SIZE];
    uint32_t crc;
} el_event;

typedef struct {
    uint32_t boot;
    uint32_t pc, lr, psr, cfsr, sp, uptime_ms;
    uint32_t stack[EL_STACK_WORDS];
    uint32_t words; /* of stack that are there */
    uint32_t held;  /* 0: there is none */
    char what[EL_CODE_SIZE];
    uint32_t crc;
} el_crash;

typedef struct {
    uint32_t boot; /* differs at each start: el_device_init counts on, or begins at `random` */
    uint32_t crc;
    el_event events[EL_MAX_EVENTS];
    el_crash crash;
} el_held;

/* Who this device is; must stay where it is. */
typedef struct {
    const char *vendor, *model, *version, *build;
    const uint8_t *uid;
    uint8_t uid_size;
    uint16_t beat_ms;
    const el_channel *channels;
    uint8_t channel_count;
} el_identity;

/* What the device can do for the link; must stay where it is. `command` and `smp` may be NULL. */
typedef struct {
    void *context;
    /* Puts a whole frame on the wire, or nothing and gives false. */
    bool (*write)(void *context, const uint8_t *frame, uint16_t size);
    /* Does a command whose arguments stand in `arguments`; gives a status, which is sent when this returns. A verb that
     * destroys what would answer (reset) is only noted here, and done behind el_device_byte. */
    uint8_t (*command)(void *context, const char *verb, el_reader *arguments);
    /* Takes a frame of the Simple Management Protocol; answers with el_smp. */
    void (*smp)(void *context, const uint8_t *frame, uint16_t size);
} el_hooks;

typedef struct el_device {
    const el_identity *identity;
    el_held *held;
    const el_hooks *hooks;
    const char *reason;
    uint8_t out[EL_MAX_WIRE];
    uint8_t in[EL_MAX_FRAME];
    el_rx rx;
    uint8_t number;
    uint8_t last_status;
    bool any_command;
    uint32_t last_command;
    uint32_t next; /* the number of the next event */
    uint32_t sent_ms[EL_MAX_EVENTS];
    uint16_t wait_ms[EL_MAX_EVENTS]; /* until the next repetition */
    uint32_t beat_at_ms;
    uint32_t crash_sent_ms;
    uint16_t crash_wait_ms;
    uint32_t dropped;
    uint8_t describe; /* the next channel to describe; channel_count: none */
} el_device;

/* Call once at the start. `random` is used where `held` did not survive (a power cut): the more random the better.
 * `reason` is why it started: "power", "pin", "software", "watchdog", "fault", "brownout". */
void el_device_init(el_device *d, const el_identity *identity, el_held *held, const el_hooks *hooks,
                    const char *reason, uint32_t random, uint32_t now_ms);
void el_device_byte(el_device *d, uint8_t byte, uint32_t now_ms);
void el_device_poll(el_device *d, uint32_t now_ms);

/* Values: el_data, then for each a number of a channel (el_uint) and its value, then el_send. */
void el_data(el_device *d, el_writer *w, uint8_t values, uint32_t now_ms);
bool el_send(el_device *d, el_writer *w);
bool el_log(el_device *d, uint8_t level, const char *text, uint32_t now_ms);
bool el_smp(el_device *d, const uint8_t *frame, uint16_t size);

/* A piece of a body of `type` that does not fit into one frame, such as a crash record with much stack: `n` numbers the
 * body, `crc` is of all of it. Each has EL_CHUNK_BYTES; repeat all until the gateway acknowledged the whole. */
#define EL_CHUNK_BYTES 200U
bool el_chunk(el_device *d, uint8_t type, uint32_t n, const uint8_t *whole, uint16_t total, uint32_t crc,
              uint16_t offset);

/* Hold an event and send it until it is acknowledged; false: EL_MAX_EVENTS are held already. A help button is an event of
 * the channel that the gateway knows as its button, raised when it was held down long enough. */
bool el_raise(el_device *d, const char *name, uint8_t level, const char *code, const char *text, uint32_t now_ms);
bool el_holding(const el_device *d); /* whether anything waits for its acknowledgement: for a lamp */

/* For the fault handler and the watchdog's interrupt: note where it was. Uses nothing but `held`; then reset. */
void el_crashed(el_held *held, const char *what, uint32_t pc, uint32_t lr, uint32_t psr, uint32_t cfsr,
                const uint32_t *sp, const uint32_t *stack_end, uint32_t uptime_ms);

#ifdef __cplusplus
}
#endif

#endif
