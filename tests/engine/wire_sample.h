/* What the tests of messages as bytes share: a message of each kind, and both ways through a block
 * of exactly the right size. */
#ifndef WIRE_SAMPLE_H
#define WIRE_SAMPLE_H

#include "cmocka_all.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = IRX_MESSAGE_HEADER_MAX + IRX_MESSAGE_MAX, AT_VERSION = 2, AT_KIND = 3, AT_TO = 4 };

static uint8_t bytes[ROOM]; /* of the message at hand */

/* Reads from a block of exactly that size, so that the sanitizers see a read past its end. `data`
 * of the message is only compared within the call. */
static inline irx_decoded decode(size_t length, irx_message *message)
{
    static uint8_t kept[IRX_MESSAGE_MAX];
    uint8_t *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    irx_decoded decoded = irx_message_decode(exact, length, message);
    if (decoded == IRX_DECODED && message->kind == IRX_MESSAGE_DATA) {
        memcpy(kept, message->data, message->length);
        message->data = kept;
    }
    free(exact);
    return decoded;
}

static inline size_t encode(const irx_message *message)
{
    size_t length = irx_message_encode(message, bytes, sizeof bytes);
    assert_true(length > 0);
    return length;
}

static inline void assert_decoded(irx_decoded expected, size_t length)
{
    irx_message message;
    assert_int_equal(decode(length, &message), expected);
}

static inline void assert_same(const irx_message *a, const irx_message *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(irx_id_equal(a->from, b->from));
    assert_int_equal(a->presence, b->presence);
    assert_true(irx_id_equal(a->to, b->to));
    assert_true(irx_id_equal(a->token.incarnation, b->token.incarnation));
    assert_int_equal(a->token.term, b->token.term);
    assert_true(irx_id_equal(a->holder, b->holder));
    assert_int_equal(a->beat, b->beat);
    assert_int_equal(a->hold_ns, b->hold_ns);
    assert_int_equal(a->audience, b->audience);
    assert_int_equal(a->from_leader, b->from_leader);
    assert_int_equal(a->length, b->length);
    if (a->length > 0)
        assert_memory_equal(a->data, b->data, a->length);
}

static inline void assert_round_trip(const irx_message *message)
{
    irx_message again;
    size_t length = encode(message);
    assert_true(length <= IRX_MESSAGE_HEADER_MAX + message->length);
    assert_int_equal(decode(length, &again), IRX_DECODED);
    assert_same(message, &again);
    assert_true(irx_id_equal(irx_message_to(bytes, length), message->to));
}

static const irx_id smallest = {0, 1};
static const irx_id largest = {UINT64_MAX, UINT64_MAX};

/* One message of each kind, with nothing left out that the kind carries. */
static inline irx_message sample(irx_message_kind kind)
{
    bool to_one = kind == IRX_MESSAGE_ACK || kind == IRX_MESSAGE_VOTE;
    irx_message message = {.kind = kind, .from = {1, 2}, .presence = 0x01020304};
    if (kind == IRX_MESSAGE_DATA) {
        message.audience = IRX_TO_FOLLOWERS;
        message.from_leader = true;
        message.data = "good day";
        message.length = 8;
        return message;
    }
    message.token = (irx_token){300, {5, 6}};
    if (to_one)
        message.to = (irx_id){3, 4};
    if (kind == IRX_MESSAGE_BEAT || kind == IRX_MESSAGE_ACK)
        message.beat = 128;
    else
        message.holder = (irx_id){7, 8};
    if (kind == IRX_MESSAGE_BEAT)
        message.hold_ns = 1507500000;
    return message;
}

static const irx_message_kind kinds[] = {IRX_MESSAGE_BEAT, IRX_MESSAGE_ACK, IRX_MESSAGE_CALL,
                                         IRX_MESSAGE_VOTE, IRX_MESSAGE_DATA};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

#endif
