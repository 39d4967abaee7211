#include "edgedevice.h"

#include <stddef.h>

#define MAGIC 0x454C4831U
/* Repetitions of what is held: quickly at first, as somebody may wait for the lamp; then ever more rarely. */
#define FIRST_MS 250U
#define AT_MOST_MS 8000U

static void copy(char *to, const char *from, uint16_t room)
{
    uint16_t i = 0U;
    while ((i < (room - 1U)) && (from[i] != '\0')) {
        to[i] = from[i];
        i++;
    }
    while (i < room) {
        to[i] = '\0';
        i++;
    }
}

static uint32_t boot_sum(const el_held *held)
{
    return el_crc32(MAGIC, (const uint8_t *)&held->boot, (uint16_t)sizeof held->boot);
}

static uint32_t event_sum(const el_event *event)
{
    return el_crc32(MAGIC, (const uint8_t *)event, (uint16_t)offsetof(el_event, crc));
}

static uint32_t crash_sum(const el_crash *crash)
{
    return el_crc32(MAGIC, (const uint8_t *)crash, (uint16_t)offsetof(el_crash, crc));
}

static void clear(void *what, uint16_t size)
{
    uint8_t *bytes = what;
    for (uint16_t i = 0U; i < size; i++) {
        bytes[i] = 0U;
    }
}

static void begin(el_device *d, el_writer *w, uint8_t type)
{
    d->number++;
    el_begin(w, d->out, (uint16_t)sizeof d->out, type, d->number);
}

bool el_send(el_device *d, el_writer *w)
{
    const uint16_t size = el_end(w);
    const bool sent = (size > 0U) && d->hooks->write(d->hooks->context, d->out, size);
    if (!sent) {
        d->dropped++;
    }
    return sent;
}

static void text_at(el_writer *w, uint8_t key, const char *text)
{
    el_uint(w, key);
    el_text(w, text);
}

static void uint_at(el_writer *w, uint8_t key, uint32_t value)
{
    el_uint(w, key);
    el_uint(w, value);
}

static void uid_at(el_writer *w, const el_device *d, uint8_t key)
{
    el_uint(w, key);
    el_bytes(w, d->identity->uid, d->identity->uid_size);
}

/* ---- what it says by itself ------------------------------------------------------------------------------------ */

static void say_hello(el_device *d)
{
    const el_identity *who = d->identity;
    el_writer w;
    begin(d, &w, EL_HELLO);
    el_map(&w, 13U);
    uint_at(&w, 0U, EL_MAJOR);
    uint_at(&w, 1U, EL_MINOR);
    text_at(&w, 2U, who->vendor);
    text_at(&w, 3U, who->model);
    text_at(&w, 4U, who->version);
    text_at(&w, 5U, who->build);
    uid_at(&w, d, 6U);
    uint_at(&w, 7U, d->held->boot);
    text_at(&w, 8U, d->reason);
    uint_at(&w, 9U, EL_MAX_BODY);
    uint_at(&w, 10U, 2U | ((d->hooks->command != NULL) ? 4U : 0U) | ((d->hooks->smp != NULL) ? 1U : 0U));
    uint_at(&w, 11U, who->channel_count);
    uint_at(&w, 12U, who->beat_ms);
    (void)el_send(d, &w);
    d->describe = 0U;
}

/* One channel a frame: any name fits, and a slow port has time between two of them. */
static void describe_next(el_device *d)
{
    const el_channel *channel = &d->identity->channels[d->describe];
    el_writer w;
    begin(d, &w, EL_CHANNELS);
    el_map(&w, 1U);
    el_uint(&w, d->describe);
    el_array(&w, 3U);
    el_text(&w, channel->name);
    el_text(&w, channel->unit);
    el_uint(&w, channel->kind);
    if (el_send(d, &w)) {
        d->describe++;
    }
}

static void say_beat(el_device *d, uint32_t now_ms)
{
    el_writer w;
    begin(d, &w, EL_BEAT);
    el_map(&w, 5U);
    uint_at(&w, 0U, now_ms);
    uint_at(&w, 1U, d->held->boot);
    uint_at(&w, 2U, d->rx.good);
    uint_at(&w, 3U, d->rx.bad);
    uint_at(&w, 4U, d->dropped);
    (void)el_send(d, &w);
}

static void say_event(el_device *d, uint8_t slot, uint32_t now_ms)
{
    const el_event *event = &d->held->events[slot];
    el_writer w;
    begin(d, &w, EL_EVENT);
    el_map(&w, 8U);
    uid_at(&w, d, 0U);
    uint_at(&w, 1U, event->boot);
    uint_at(&w, 2U, event->n);
    text_at(&w, 3U, event->name);
    uint_at(&w, 4U, now_ms - event->at_ms);
    uint_at(&w, 5U, event->level);
    text_at(&w, 6U, event->code);
    text_at(&w, 7U, event->text);
    d->sent_ms[slot] = now_ms;
    (void)el_send(d, &w);
}

static void say_crash(el_device *d)
{
    const el_crash *crash = &d->held->crash;
    el_writer w;
    begin(d, &w, EL_CRASH);
    el_map(&w, 12U);
    uid_at(&w, d, 0U);
    uint_at(&w, 1U, crash->boot);
    uint_at(&w, 2U, 0U);
    uint_at(&w, 3U, crash->pc);
    uint_at(&w, 4U, crash->lr);
    uint_at(&w, 5U, crash->psr);
    uint_at(&w, 6U, crash->cfsr);
    uint_at(&w, 7U, crash->sp);
    uint_at(&w, 8U, crash->uptime_ms);
    text_at(&w, 9U, d->identity->build);
    text_at(&w, 10U, crash->what);
    el_uint(&w, 11U);
    el_bytes(&w, (const uint8_t *)crash->stack, (uint8_t)(4U * crash->words));
    (void)el_send(d, &w);
}

static uint16_t longer(uint16_t wait_ms)
{
    return (wait_ms >= (AT_MOST_MS / 2U)) ? (uint16_t)AT_MOST_MS : (uint16_t)(2U * wait_ms);
}

/* ---- what it hears --------------------------------------------------------------------------------------------- */

static void acknowledge(el_device *d, uint32_t n, uint8_t status)
{
    el_writer w;
    begin(d, &w, EL_ACK);
    el_map(&w, 3U);
    uint_at(&w, 0U, EL_COMMAND);
    uint_at(&w, 1U, n);
    uint_at(&w, 2U, status);
    (void)el_send(d, &w);
}

/* What the messages of the gateway say: numbers under keys 0 to 3, text under 1, anything under 2. */
typedef struct {
    uint32_t number[4];
    char verb[25];
    el_reader arguments;
} el_said;

static bool hear_map(const el_rx *rx, el_said *said)
{
    el_reader r;
    el_value key;
    el_value value;
    bool whole = true;
    for (uint8_t i = 0U; i < 4U; i++) {
        said->number[i] = 0U;
    }
    said->verb[0] = '\0';
    el_read(&r, rx->body, rx->size);
    el_read(&said->arguments, rx->body, 0U);
    whole = el_next(&r, &key) == (uint8_t)EL_MAP;
    for (uint32_t pairs = whole ? key.n : 0U; whole && (pairs > 0U); pairs--) {
        whole = el_next(&r, &key) != (uint8_t)EL_END;
        whole = whole && el_skip(&r, &key);
        if (whole && (key.kind == (uint8_t)EL_UINT) && (key.n == 2U)) {
            said->arguments = r;
        }
        whole = whole && (el_next(&r, &value) != (uint8_t)EL_END);
        if (whole && (key.kind == (uint8_t)EL_UINT) && (key.n < 4U) && (value.kind == (uint8_t)EL_UINT)) {
            said->number[key.n] = value.n;
        }
        if (whole && (key.kind == (uint8_t)EL_UINT) && (key.n == 1U) && (value.kind == (uint8_t)EL_TEXT)) {
            for (uint32_t i = 0U; i < sizeof said->verb; i++) {
                said->verb[i] = ((i < value.n) && (i < (sizeof said->verb - 1U))) ? (char)value.at[i] : '\0';
            }
        }
        whole = whole && el_skip(&r, &value);
    }
    return whole;
}

static void hear_command(el_device *d, el_said *said)
{
    if (!d->any_command || (said->number[0] != d->last_command)) {
        d->any_command = true;
        d->last_command = said->number[0];
        d->last_status = (uint8_t)EL_UNKNOWN_VERB;
        if (d->hooks->command != NULL) {
            d->last_status = d->hooks->command(d->hooks->context, said->verb, &said->arguments);
        }
    }
    acknowledge(d, said->number[0], d->last_status); /* a repetition is answered, not done again */
}

static void hear_ack(el_device *d, const el_said *said)
{
    el_held *held = d->held;
    if (said->number[2] != (uint32_t)EL_OK) {
        /* it is not kept there: it is held here */
    } else if (said->number[0] == (uint32_t)EL_CRASH) {
        if (said->number[3] == held->crash.boot) {
            held->crash.held = 0U;
            held->crash.crc = crash_sum(&held->crash);
        }
    } else if (said->number[0] == (uint32_t)EL_EVENT) {
        for (uint8_t i = 0U; i < EL_MAX_EVENTS; i++) {
            el_event *event = &held->events[i];
            if ((event->n == said->number[1]) && (event->boot == said->number[3])) {
                event->held = 0U;
                event->crc = event_sum(event);
            }
        }
    } else {
        /* nothing of ours */
    }
}

static void hear_time(el_device *d, const el_said *said, uint32_t now_ms)
{
    el_writer w;
    begin(d, &w, EL_TIME);
    el_map(&w, 2U);
    uint_at(&w, 0U, said->number[0]);
    uint_at(&w, 1U, now_ms);
    (void)el_send(d, &w);
}

void el_device_byte(el_device *d, uint8_t byte, uint32_t now_ms)
{
    el_said said;
    if (el_rx_byte(&d->rx, byte)) {
        if (d->rx.type == (uint8_t)EL_SMP) {
            if (d->hooks->smp != NULL) {
                d->hooks->smp(d->hooks->context, d->rx.body, d->rx.size);
            }
        } else if (!hear_map(&d->rx, &said)) {
            d->rx.bad++;
        } else if (d->rx.type == (uint8_t)EL_HELLO) {
            say_hello(d);
        } else if (d->rx.type == (uint8_t)EL_COMMAND) {
            hear_command(d, &said);
        } else if (d->rx.type == (uint8_t)EL_ACK) {
            hear_ack(d, &said);
        } else if (d->rx.type == (uint8_t)EL_TIME) {
            hear_time(d, &said, now_ms);
        } else {
            /* of a later version, or not for this device */
        }
    }
}

/* ---- what its owner says --------------------------------------------------------------------------------------- */

void el_data(el_device *d, el_writer *w, uint8_t values, uint32_t now_ms)
{
    begin(d, w, EL_DATA);
    el_map(w, 2U);
    uint_at(w, 0U, now_ms);
    el_uint(w, 1U);
    el_map(w, values);
}

bool el_log(el_device *d, uint8_t level, const char *text, uint32_t now_ms)
{
    el_writer w;
    begin(d, &w, EL_LOG);
    el_map(&w, 3U);
    uint_at(&w, 0U, level);
    uint_at(&w, 1U, now_ms);
    text_at(&w, 2U, text);
    return el_send(d, &w);
}

bool el_smp(el_device *d, const uint8_t *frame, uint16_t size)
{
    el_writer w;
    begin(d, &w, EL_SMP);
    el_raw(&w, frame, size);
    return el_send(d, &w);
}

bool el_chunk(el_device *d, uint8_t type, uint32_t n, const uint8_t *whole, uint16_t total, uint32_t crc,
              uint16_t offset)
{
    const uint16_t left = (offset < total) ? (uint16_t)(total - offset) : 0U;
    el_writer w;
    if (left == 0U) {
        return false;
    }
    begin(d, &w, EL_CHUNK);
    el_map(&w, 6U);
    uint_at(&w, 0U, type);
    uint_at(&w, 1U, n);
    uint_at(&w, 2U, total);
    uint_at(&w, 3U, crc);
    uint_at(&w, 4U, offset);
    el_uint(&w, 5U);
    el_bytes(&w, &whole[offset], (uint8_t)((left < EL_CHUNK_BYTES) ? left : EL_CHUNK_BYTES));
    return el_send(d, &w);
}

bool el_raise(el_device *d, const char *name, uint8_t level, const char *code, const char *text, uint32_t now_ms)
{
    uint8_t slot = 0U;
    while ((slot < EL_MAX_EVENTS) && (d->held->events[slot].held != 0U)) {
        slot++;
    }
    if (slot < EL_MAX_EVENTS) {
        el_event *event = &d->held->events[slot];
        event->boot = d->held->boot;
        event->n = d->next;
        event->at_ms = now_ms;
        event->level = level;
        event->held = 1U;
        copy(event->name, name, EL_NAME_SIZE);
        copy(event->code, code, EL_CODE_SIZE);
        copy(event->text, text, EL_TEXT_SIZE);
        event->crc = event_sum(event);
        d->next++;
        d->wait_ms[slot] = FIRST_MS;
        say_event(d, slot, now_ms);
    }
    return slot < EL_MAX_EVENTS;
}

bool el_holding(const el_device *d)
{
    bool any = d->held->crash.held != 0U;
    for (uint8_t i = 0U; i < EL_MAX_EVENTS; i++) {
        any = any || (d->held->events[i].held != 0U);
    }
    return any;
}

void el_crashed(el_held *held, const char *what, uint32_t pc, uint32_t lr, uint32_t psr, uint32_t cfsr,
                const uint32_t *sp, const uint32_t *stack_end, uint32_t uptime_ms)
{
    el_crash *crash = &held->crash;
    crash->boot = held->boot;
    crash->pc = pc;
    crash->lr = lr;
    crash->psr = psr;
    crash->cfsr = cfsr;
    crash->sp = (uint32_t)(uintptr_t)sp;
    crash->uptime_ms = uptime_ms;
    crash->words = 0U;
    while ((crash->words < EL_STACK_WORDS) && (&sp[crash->words] < stack_end)) {
        crash->stack[crash->words] = sp[crash->words];
        crash->words++;
    }
    copy(crash->what, what, EL_CODE_SIZE);
    crash->held = 1U;
    crash->crc = crash_sum(crash);
}

/* ---- its life -------------------------------------------------------------------------------------------------- */

void el_device_init(el_device *d, const el_identity *identity, el_held *held, const el_hooks *hooks,
                    const char *reason, uint32_t random, uint32_t now_ms)
{
    held->boot = (held->crc == boot_sum(held)) ? (held->boot + 1U) : random;
    held->crc = boot_sum(held);
    if (held->crash.crc != crash_sum(&held->crash)) {
        clear(&held->crash, (uint16_t)sizeof held->crash);
    }
    for (uint8_t i = 0U; i < EL_MAX_EVENTS; i++) {
        el_event *event = &held->events[i];
        if (event->crc != event_sum(event)) {
            clear(event, (uint16_t)sizeof *event);
        }
        event->at_ms = now_ms;
        event->crc = event_sum(event);
        d->sent_ms[i] = now_ms;
        d->wait_ms[i] = FIRST_MS;
    }
    d->next = 1U;
    d->identity = identity;
    d->held = held;
    d->hooks = hooks;
    d->reason = reason;
    d->number = 0U;
    d->last_status = 0U;
    d->any_command = false;
    d->last_command = 0U;
    d->beat_at_ms = now_ms;
    d->crash_sent_ms = now_ms;
    d->crash_wait_ms = FIRST_MS;
    d->dropped = 0U;
    el_rx_init(&d->rx, d->in, (uint16_t)sizeof d->in);
    say_hello(d);
}

void el_device_poll(el_device *d, uint32_t now_ms)
{
    if (d->describe < d->identity->channel_count) {
        describe_next(d);
    }
    if ((now_ms - d->beat_at_ms) >= d->identity->beat_ms) {
        d->beat_at_ms = now_ms;
        say_beat(d, now_ms);
    }
    for (uint8_t i = 0U; i < EL_MAX_EVENTS; i++) {
        if ((d->held->events[i].held != 0U) && ((now_ms - d->sent_ms[i]) >= d->wait_ms[i])) {
            d->wait_ms[i] = longer(d->wait_ms[i]);
            say_event(d, i, now_ms);
        }
    }
    if ((d->held->crash.held != 0U) && ((now_ms - d->crash_sent_ms) >= d->crash_wait_ms)) {
        d->crash_sent_ms = now_ms;
        d->crash_wait_ms = longer(d->crash_wait_ms);
        say_crash(d);
    }
}
