/* Messages as bytes: versioned, bounded, without allocation.
 *
 *     'I' 'x', version, kind, then by kind; numbers as LEB128 of at most ten bytes, shortest form
 *     only; an id is sixteen bytes, most significant first; a presence digest four.
 *
 *     to (a flag and, if set, an id), from, presence, then
 *     BEAT            incarnation, term, beat, hold
 *     ACK             incarnation, term, beat
 *     CALL, VOTE      incarnation, term, holder
 *     DATA            audience, flags, then the data to the end
 *
 * Whatever is longer or shorter than that is malformed. A later version may put anything after the
 * version byte: it is counted and dropped. It decides what a message is, never what it means. */
#include "engine/internal.h"

#include <string.h>

enum { MAGIC_FIRST = 'I', MAGIC_SECOND = 'x', VERSION = 1, PREFIX = 4, TO_ONE = 1, TO_ALL = 0 };

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct writer {
    uint8_t *at;
    size_t left;
    bool full;
} writer;

static void put_byte(writer *w, uint8_t byte)
{
    if (w->left == 0) {
        w->full = true;
        return;
    }
    *w->at++ = byte;
    w->left--;
}

static void put_bits(writer *w, uint64_t bits, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        put_byte(w, (uint8_t)(bits >> (8 * i)));
    }
}

static void put_id(writer *w, irx_id id)
{
    put_bits(w, id.hi, 8);
    put_bits(w, id.lo, 8);
}

static void put_number(writer *w, uint64_t number)
{
    while (number >= 0x80) {
        put_byte(w, (uint8_t)(number | 0x80));
        number >>= 7;
    }
    put_byte(w, (uint8_t)number);
}

static void put_token(writer *w, const irx_message *message)
{
    put_id(w, message->token.incarnation);
    put_number(w, message->token.term);
}

static void put_data(writer *w, const irx_message *message)
{
    put_byte(w, (uint8_t)message->audience);
    put_byte(w, message->from_leader ? 1 : 0);
    if (message->length > IRX_MESSAGE_MAX || message->length > w->left) {
        w->full = true;
    } else if (message->length > 0) {
        memcpy(w->at, message->data, message->length);
        w->at += message->length;
        w->left -= message->length;
    }
}

size_t irx_message_encode(const irx_message *message, void *bytes, size_t room)
{
    writer w = {.at = bytes, .left = room};
    put_byte(&w, MAGIC_FIRST);
    put_byte(&w, MAGIC_SECOND);
    put_byte(&w, VERSION);
    put_byte(&w, (uint8_t)message->kind);
    put_byte(&w, irx_id_none(message->to) ? TO_ALL : TO_ONE);
    if (!irx_id_none(message->to)) {
        put_id(&w, message->to);
    }
    put_id(&w, message->from);
    put_bits(&w, message->presence, 4);
    switch (message->kind) {
    case IRX_MESSAGE_BEAT:
        put_token(&w, message);
        put_number(&w, message->beat);
        put_number(&w, (uint64_t)message->hold_ns);
        break;
    case IRX_MESSAGE_ACK:
        put_token(&w, message);
        put_number(&w, message->beat);
        break;
    case IRX_MESSAGE_CALL:
    case IRX_MESSAGE_VOTE:
        put_token(&w, message);
        put_id(&w, message->holder);
        break;
    case IRX_MESSAGE_DATA: put_data(&w, message); break;
    }
    return w.full ? 0 : room - w.left;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
} reader;

static uint8_t take_byte(reader *r)
{
    if (r->left == 0) {
        r->bad = true;
        return 0;
    }
    r->left--;
    return *r->at++;
}

static uint64_t take_bits(reader *r, int bytes)
{
    uint64_t bits = 0;
    for (int i = 0; i < bytes; i++) {
        bits = bits << 8 | take_byte(r);
    }
    return bits;
}

/* An id that has to be there: none is nobody's. */
static irx_id take_id(reader *r)
{
    irx_id id = {.hi = take_bits(r, 8)};
    id.lo = take_bits(r, 8);
    r->bad = r->bad || irx_id_none(id);
    return id;
}

static uint64_t take_number(reader *r)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        uint8_t byte = take_byte(r);
        bool beyond = shift == 63 && byte > 1;
        bool longer = shift > 0 && byte == 0; /* than it needs to be */
        if (beyond || longer) {
            break;
        }
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return number;
        }
    }
    r->bad = true;
    return 0;
}

static void take_token(reader *r, irx_message *message)
{
    message->token.incarnation = take_id(r);
    message->token.term = take_number(r);
    r->bad = r->bad || message->token.term == 0 || message->token.term >= IRX__TERM_LIMIT;
}

static void take_beat(reader *r, irx_message *message)
{
    take_token(r, message);
    message->beat = take_number(r);
    r->bad = r->bad || message->beat == 0;
}

static void take_data(reader *r, irx_message *message)
{
    uint8_t audience = take_byte(r);
    uint8_t flags = take_byte(r);
    bool to_one = audience == IRX_TO_MEMBER || audience == IRX_TO_LEADER;
    r->bad = r->bad || audience < IRX_TO_MEMBER || audience > IRX_TO_ALL || flags > 1 ||
             r->left > IRX_MESSAGE_MAX || to_one == irx_id_none(message->to);
    message->audience = (irx_audience)audience;
    message->from_leader = flags == 1;
    message->data = r->at;
    message->length = r->left;
    r->left = 0;
}

static irx_decoded take_prefix(reader *r, irx_message_kind *kind)
{
    bool ours = r->left >= 2 && r->at[0] == MAGIC_FIRST && r->at[1] == MAGIC_SECOND;
    if (!ours) {
        return IRX_DECODED_FOREIGN;
    }
    uint8_t version = r->left > 2 ? r->at[2] : 0;
    if (version > VERSION) {
        return IRX_DECODED_NEWER; /* what follows is not ours to judge */
    }
    uint8_t named = r->left > 3 ? r->at[3] : 0;
    if (version == 0 || named == 0) {
        return IRX_DECODED_MALFORMED;
    }
    if (named > IRX_MESSAGE_DATA) {
        return IRX_DECODED_NEWER;
    }
    *kind = (irx_message_kind)named;
    r->at += PREFIX;
    r->left -= PREFIX;
    return IRX_DECODED;
}

static irx_id take_to(reader *r)
{
    uint8_t flag = take_byte(r);
    r->bad = r->bad || flag > TO_ONE;
    return flag == TO_ONE ? take_id(r) : (irx_id){0, 0};
}

irx_decoded irx_message_decode(const void *bytes, size_t length, irx_message *message)
{
    reader r = {.at = bytes, .left = length};
    *message = (irx_message){0};
    irx_decoded prefix = take_prefix(&r, &message->kind);
    if (prefix != IRX_DECODED) {
        return prefix;
    }
    message->to = take_to(&r);
    message->from = take_id(&r);
    message->presence = (uint32_t)take_bits(&r, 4);
    bool to_one = message->kind == IRX_MESSAGE_ACK || message->kind == IRX_MESSAGE_VOTE;
    switch (message->kind) {
    case IRX_MESSAGE_BEAT: {
        take_beat(&r, message);
        uint64_t hold_ns = take_number(&r);
        r.bad = r.bad || hold_ns == 0 || hold_ns > IRX__HOLD_LIMIT_NS;
        message->hold_ns = (int64_t)hold_ns;
        break;
    }
    case IRX_MESSAGE_ACK: take_beat(&r, message); break;
    case IRX_MESSAGE_CALL:
    case IRX_MESSAGE_VOTE:
        take_token(&r, message);
        message->holder = take_id(&r);
        break;
    case IRX_MESSAGE_DATA: take_data(&r, message); break;
    }
    if (message->kind != IRX_MESSAGE_DATA) {
        r.bad = r.bad || to_one == irx_id_none(message->to);
    }
    return r.bad || r.left != 0 ? IRX_DECODED_MALFORMED : IRX_DECODED;
}

irx_id irx_message_to(const void *bytes, size_t length)
{
    reader r = {.at = bytes, .left = length};
    irx_message_kind kind;
    if (take_prefix(&r, &kind) != IRX_DECODED) {
        return (irx_id){0, 0};
    }
    irx_id to = take_to(&r);
    return r.bad ? (irx_id){0, 0} : to;
}

/* ---- whose it is ----------------------------------------------------------------------------- */

/* FNV-1a, folded. */
uint32_t irx_presence_digest(irx_id process)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < 16; i++) {
        uint64_t half = i < 8 ? process.hi : process.lo;
        sum = (sum ^ ((half >> (8 * (i % 8))) & 0xff)) * UINT64_C(0x100000001b3);
    }
    return irx_id_none(process) ? 0 : (uint32_t)(sum ^ (sum >> 32));
}

bool irx_message_genuine(const irx_message *message, const irx_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (irx_id_equal(members[i].session, message->from)) {
            return irx_id_none(members[i].process) || message->presence == 0 ||
                   message->presence == irx_presence_digest(members[i].process);
        }
    }
    return true; /* a row that has not come yet */
}
