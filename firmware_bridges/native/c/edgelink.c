#include "edgelink.h"

#include <stddef.h>

/* CRC-32, polynomial 0x04C11DB7 reflected, four bits at a time: 64 bytes of table and not 1024. */
static const uint32_t crc_table[16] = {
    0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U, 0x4DB26158U, 0x5005713CU,
    0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU, 0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU
};

uint32_t el_crc32(uint32_t crc, const uint8_t *data, uint16_t size)
{
    uint32_t sum = ~crc;
    for (uint16_t i = 0U; i < size; i++) {
        sum ^= data[i];
        sum = (sum >> 4) ^ crc_table[sum & 15U];
        sum = (sum >> 4) ^ crc_table[sum & 15U];
    }
    return ~sum;
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

/* IEEE 754 single precision, as every compiler that this is for has it. */
typedef union {
    float value;
    uint32_t bits;
} float_bits;

/* A frame is written behind its first zero and the place of its first code byte, and encoded where it stands. */
#define START 2U

static void put(el_writer *w, uint32_t byte)
{
    if (w->bad || ((w->length - START) >= EL_MAX_FRAME) || ((w->length + 1U) >= w->capacity)) {
        w->bad = true; /* the last zero needs a place too */
    } else {
        w->out[w->length] = (uint8_t)byte;
        w->length++;
    }
}

static void put_big(el_writer *w, uint32_t value, uint8_t bytes)
{
    for (uint8_t left = bytes; left > 0U; left--) {
        put(w, value >> (8U * (left - 1U)));
    }
}

void el_begin(el_writer *w, uint8_t *out, uint16_t capacity, uint8_t type, uint8_t number)
{
    w->out = out;
    w->capacity = capacity;
    w->length = START;
    w->bad = capacity < EL_MAX_WIRE - EL_MAX_BODY;
    put(w, type);
    put(w, number);
}

uint16_t el_end(el_writer *w)
{
    uint32_t crc = 0U;
    uint16_t length = 0U;
    if (!w->bad) {
        crc = el_crc32(0U, &w->out[START], (uint16_t)(w->length - START));
    }
    for (uint8_t i = 0U; i < 4U; i++) {
        put(w, crc >> (8U * i));
    }
    if (!w->bad) {
        uint8_t *code = &w->out[1];
        for (uint8_t *byte = &w->out[START]; byte < &w->out[w->length]; byte++) {
            if (*byte == 0U) {
                *code = (uint8_t)(byte - code);
                code = byte;
            }
        }
        *code = (uint8_t)(&w->out[w->length] - code);
        w->out[0] = 0U;
        w->out[w->length] = 0U;
        length = (uint16_t)(w->length + 1U);
    }
    return length;
}

void el_raw(el_writer *w, const uint8_t *bytes, uint16_t size)
{
    for (uint16_t i = 0U; i < size; i++) {
        put(w, bytes[i]);
    }
}

/* Heads of msgpack that hold a small count in themselves, or say two bytes of it. */
static void head(el_writer *w, uint16_t count, uint8_t small, uint8_t large)
{
    if (count < 16U) {
        put(w, (uint32_t)small | count);
    } else {
        put(w, large);
        put_big(w, count, 2U);
    }
}

void el_map(el_writer *w, uint16_t pairs)
{
    head(w, pairs, 0x80U, 0xDEU);
}

void el_array(el_writer *w, uint16_t items)
{
    head(w, items, 0x90U, 0xDCU);
}

void el_nil(el_writer *w)
{
    put(w, 0xC0U);
}

void el_bool(el_writer *w, bool value)
{
    put(w, value ? 0xC3U : 0xC2U);
}

void el_uint(el_writer *w, uint32_t value)
{
    if (value < 0x80U) {
        put(w, value);
    } else if (value <= 0xFFU) {
        put(w, 0xCCU);
        put(w, value);
    } else if (value <= 0xFFFFU) {
        put(w, 0xCDU);
        put_big(w, value, 2U);
    } else {
        put(w, 0xCEU);
        put_big(w, value, 4U);
    }
}

void el_int(el_writer *w, int32_t value)
{
    if (value >= 0) {
        el_uint(w, (uint32_t)value);
    } else if (value >= -32) {
        put(w, (uint32_t)value & 0xFFU);
    } else {
        put(w, 0xD2U);
        put_big(w, (uint32_t)value, 4U);
    }
}

void el_float(el_writer *w, float value)
{
    float_bits both;
    both.value = value;
    put(w, 0xCAU);
    put_big(w, both.bits, 4U);
}

void el_text(el_writer *w, const char *text)
{
    uint8_t size = 0U;
    while ((size < 255U) && (text[size] != '\0')) {
        size++;
    }
    if (size < 32U) {
        put(w, 0xA0U | (uint32_t)size);
    } else {
        put(w, 0xD9U);
        put(w, size);
    }
    el_raw(w, (const uint8_t *)text, size);
}

void el_bytes(el_writer *w, const uint8_t *bytes, uint8_t size)
{
    put(w, 0xC4U);
    put(w, size);
    el_raw(w, bytes, size);
}

/* ---- receiving ------------------------------------------------------------------------------------------------- */

static void begin_frame(el_rx *rx)
{
    rx->length = 0U;
    rx->left = 0U;
    rx->zero = false;
    rx->spoiled = false;
}

void el_rx_init(el_rx *rx, uint8_t *frame, uint16_t capacity)
{
    rx->frame = frame;
    rx->capacity = (capacity < EL_MAX_FRAME) ? capacity : EL_MAX_FRAME;
    rx->good = 0U;
    rx->bad = 0U;
    begin_frame(rx);
}

static void keep(el_rx *rx, uint8_t byte)
{
    if (rx->length < rx->capacity) {
        rx->frame[rx->length] = byte;
        rx->length++;
    } else {
        rx->spoiled = true;
    }
}

/* The zero that ends a frame; whether it was a good one. */
static bool end_frame(el_rx *rx)
{
    bool whole = (!rx->spoiled) && (rx->left == 0U) && (rx->length >= EL_OVERHEAD);
    if (whole) {
        const uint16_t covered = (uint16_t)(rx->length - 4U);
        uint32_t crc = el_crc32(0U, rx->frame, covered);
        for (uint8_t i = 0U; i < 4U; i++) {
            whole = whole && (rx->frame[covered + i] == (uint8_t)(crc >> (8U * i)));
        }
        rx->type = rx->frame[0];
        rx->number = rx->frame[1];
        rx->body = &rx->frame[2];
        rx->size = (uint16_t)(covered - 2U);
    }
    if (whole) {
        rx->good++;
    } else if ((rx->length > 0U) || (rx->left > 0U) || rx->zero || rx->spoiled) {
        rx->bad++;
    } else {
        /* nothing between two zeros */
    }
    return whole;
}

bool el_rx_byte(el_rx *rx, uint8_t byte)
{
    bool whole = false;
    if (byte == 0U) {
        whole = end_frame(rx);
        begin_frame(rx);
    } else if (rx->left > 0U) {
        rx->left--;
        keep(rx, byte);
    } else {
        if (rx->zero) {
            keep(rx, 0U);
        }
        rx->left = (uint8_t)(byte - 1U);
        rx->zero = byte != 0xFFU;
    }
    return whole;
}

void el_read(el_reader *r, const uint8_t *body, uint16_t size)
{
    r->at = body;
    r->end = &body[size];
}

/* `bytes` of a big-endian number; 0, and the reader at its end, where they are not there. */
static uint32_t take(el_reader *r, uint32_t bytes)
{
    uint32_t value = 0U;
    if ((uint32_t)(r->end - r->at) < bytes) {
        r->at = NULL;
    } else {
        for (uint32_t i = 0U; i < bytes; i++) {
            value = (value << 8) | r->at[i];
        }
        r->at = &r->at[bytes];
    }
    return value;
}

/* What stands behind the first bytes from 0xC0 to 0xDF: the kind, and how many bytes of a number follow. */
static const uint8_t tails[32] = {
    (EL_NIL << 3), (EL_END << 3), (EL_BOOL << 3), (EL_BOOL << 3),
    (EL_BYTES << 3) | 1, (EL_BYTES << 3) | 2, (EL_BYTES << 3) | 4,
    (EL_OTHER << 3) | 1, (EL_OTHER << 3) | 2, (EL_OTHER << 3) | 4, /* extensions: a type and so many bytes */
    (EL_FLOAT << 3) | 4, (EL_OTHER << 3),
    (EL_UINT << 3) | 1, (EL_UINT << 3) | 2, (EL_UINT << 3) | 4, (EL_OTHER << 3),
    (EL_NEGATIVE << 3) | 1, (EL_NEGATIVE << 3) | 2, (EL_NEGATIVE << 3) | 4, (EL_OTHER << 3),
    (EL_OTHER << 3), (EL_OTHER << 3), (EL_OTHER << 3), (EL_OTHER << 3), (EL_OTHER << 3),
    (EL_TEXT << 3) | 1, (EL_TEXT << 3) | 2, (EL_TEXT << 3) | 4,
    (EL_ARRAY << 3) | 2, (EL_ARRAY << 3) | 4, (EL_MAP << 3) | 2, (EL_MAP << 3) | 4
};

/* How many bytes an EL_OTHER holds beyond its number: 64-bit numbers, and extensions with their type. */
static uint32_t other_bytes(uint8_t first, uint32_t n)
{
    uint32_t bytes = 8U;
    if ((first >= 0xC7U) && (first <= 0xC9U)) {
        bytes = (n < 0xFFFFU) ? (n + 1U) : 0xFFFFU;
    } else if ((first >= 0xD4U) && (first <= 0xD8U)) {
        bytes = ((uint32_t)1U << (first - 0xD4U)) + 1U;
    } else {
        /* a double, or 64 bits of integer */
    }
    return bytes;
}

uint8_t el_next(el_reader *r, el_value *v)
{
    v->kind = EL_END;
    v->n = 0U;
    if ((r->at != NULL) && (r->at < r->end)) {
        const uint8_t first = *r->at;
        uint32_t inside = 0U;
        r->at++;
        if (first < 0x80U) {
            v->kind = EL_UINT;
            v->n = first;
        } else if (first < 0xA0U) {
            v->kind = (first < 0x90U) ? EL_MAP : EL_ARRAY;
            v->n = first & 15U;
        } else if (first < 0xC0U) {
            v->kind = EL_TEXT;
            v->n = first & 31U;
        } else if (first >= 0xE0U) {
            v->kind = EL_NEGATIVE;
            v->n = 0xFFFFFF00U | first;
        } else {
            const uint8_t tail = tails[first - 0xC0U];
            const uint8_t bytes = tail & 7U;
            v->kind = tail >> 3;
            v->n = take(r, bytes);
            if (v->kind == EL_BOOL) {
                v->n = first & 1U;
            } else if (v->kind == EL_OTHER) {
                inside = other_bytes(first, v->n);
            } else if (v->kind == EL_NEGATIVE) {
                const uint32_t sign = (uint32_t)1U << ((8U * bytes) - 1U);
                v->n = (v->n ^ sign) - sign;
                if ((v->n & 0x80000000U) == 0U) {
                    v->kind = EL_UINT;
                }
            } else {
                /* as it is */
            }
        }
        if ((v->kind == EL_TEXT) || (v->kind == EL_BYTES)) {
            inside = v->n;
        }
        v->at = r->at;
        if ((r->at == NULL) || ((uint32_t)(r->end - r->at) < inside)) {
            v->kind = EL_END;
        } else {
            r->at = &r->at[inside];
        }
    }
    if (v->kind == EL_END) {
        r->at = NULL; /* damaged: nothing more is read */
    }
    return v->kind;
}

bool el_skip(el_reader *r, const el_value *v)
{
    el_value inner = *v;
    uint32_t waiting = 1U; /* values that were not looked at yet; the given one is the first */
    bool whole = true;
    while (whole && (waiting > 0U)) {
        waiting--;
        if ((inner.kind == EL_ARRAY) || (inner.kind == EL_MAP)) {
            /* each item needs a byte at least: to promise more than there are is a lie, and could overflow the sum */
            const uint32_t room = (r->at == NULL) ? 0U : (uint32_t)(r->end - r->at);
            whole = inner.n <= room;
            waiting += (inner.kind == EL_MAP) ? (2U * inner.n) : inner.n;
        }
        if (whole && (waiting > 0U)) {
            whole = el_next(r, &inner) != (uint8_t)EL_END;
        }
    }
    if (!whole) {
        r->at = NULL;
    }
    return whole;
}

float el_as_float(const el_value *v)
{
    float value = 0.0F;
    if (v->kind == EL_FLOAT) {
        float_bits both;
        both.bits = v->n;
        value = both.value;
    } else if (v->kind == EL_UINT) {
        value = (float)v->n;
    } else if (v->kind == EL_NEGATIVE) {
        value = -(float)(0U - v->n);
    } else {
        /* no number */
    }
    return value;
}
