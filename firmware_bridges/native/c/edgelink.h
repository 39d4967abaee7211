/* The native link for devices: frames and msgpack (SPEC.md). C99, no heap, no operating system, no recursion.
 *
 * Sending:   el_begin, el_map and the values, el_end; then write `out` to the port.
 * Receiving: el_rx_byte for each byte; when it says true a frame stands in the receiver, to be read by el_next.
 *
 * All memory is the caller's. Nothing here keeps state of its own, so any number of links may be used at once, each
 * from one thread or interrupt.
 */
#ifndef EDGELINK_H
#define EDGELINK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EL_MAJOR 1U
#define EL_MINOR 0U
#define EL_MAX_FRAME 254U                   /* type, number, body, CRC-32: one group of COBS */
#define EL_OVERHEAD 6U                      /* what of that is not body */
#define EL_MAX_BODY (EL_MAX_FRAME - EL_OVERHEAD)
#define EL_MAX_WIRE (EL_MAX_FRAME + 3U)     /* with the code byte and both zeros */

enum el_type {
    EL_HELLO = 0x01, EL_BEAT = 0x02, EL_DATA = 0x03, EL_EVENT = 0x04, EL_LOG = 0x05, EL_CRASH = 0x06,
    EL_CHANNELS = 0x07, EL_COMMAND = 0x10, EL_ACK = 0x11, EL_TIME = 0x12, EL_CREDIT = 0x13, EL_CHUNK = 0x14,
    EL_SMP = 0x20
};

/* CRC-32 of IEEE 802.3, as zlib's: begin with 0 and feed any pieces. */
uint32_t el_crc32(uint32_t crc, const uint8_t *data, uint16_t size);

/* ---- sending --------------------------------------------------------------------------------------------------- */

/* A frame that is being written to `out`, which has room for `capacity` bytes (EL_MAX_WIRE is always enough). */
typedef struct {
    uint8_t *out;
    uint16_t capacity;
    uint16_t length;
    bool bad; /* it did not fit; el_end will give 0 */
} el_writer;

void el_begin(el_writer *w, uint8_t *out, uint16_t capacity, uint8_t type, uint8_t number);
uint16_t el_end(el_writer *w); /* bytes to put on the wire; 0: it did not fit */

void el_raw(el_writer *w, const uint8_t *bytes, uint16_t size); /* bytes of the body as they are (SMP) */
void el_map(el_writer *w, uint16_t pairs);
void el_array(el_writer *w, uint16_t items);
void el_nil(el_writer *w);
void el_bool(el_writer *w, bool value);
void el_uint(el_writer *w, uint32_t value);
void el_int(el_writer *w, int32_t value);
void el_float(el_writer *w, float value);
void el_text(el_writer *w, const char *text); /* at most 255 bytes of it, up to its zero */
void el_bytes(el_writer *w, const uint8_t *bytes, uint8_t size);

/* ---- receiving ------------------------------------------------------------------------------------------------- */

/* A receiver. `frame` has room for `capacity` bytes, EL_MAX_FRAME or less; a longer frame counts as bad. */
typedef struct {
    uint8_t *frame;
    uint16_t capacity;
    uint16_t length;
    uint8_t left;   /* bytes of this group that are still to come */
    bool zero;      /* a zero stands behind this group */
    bool spoiled;   /* the frame is too long, or no COBS */
    uint8_t type;
    uint8_t number;
    const uint8_t *body;
    uint16_t size;  /* of the body */
    uint32_t good;
    uint32_t bad;
} el_rx;

void el_rx_init(el_rx *rx, uint8_t *frame, uint16_t capacity);
bool el_rx_byte(el_rx *rx, uint8_t byte); /* true: type, number, body and size are set, until the next call */

enum el_kind { EL_NIL, EL_BOOL, EL_UINT, EL_NEGATIVE, EL_FLOAT, EL_TEXT, EL_BYTES, EL_ARRAY, EL_MAP, EL_OTHER, EL_END };

/* One value. `n` is: the number; two's complement of a negative one; bits of a float; bytes of text and bytes, which
 * stand at `at`; items of an array; pairs of a map. EL_OTHER is what needs 64 bits, EL_END the end or damage. */
typedef struct {
    uint8_t kind;
    uint32_t n;
    const uint8_t *at;
} el_value;

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} el_reader;

void el_read(el_reader *r, const uint8_t *body, uint16_t size);
uint8_t el_next(el_reader *r, el_value *v);     /* the next value or head; returns its kind */
bool el_skip(el_reader *r, const el_value *v);  /* over what is in an array or map whose head was read */
float el_as_float(const el_value *v);           /* any number as one; 0 for what is none */

#ifdef __cplusplus
}
#endif

#endif
