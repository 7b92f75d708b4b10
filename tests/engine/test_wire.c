/* Messages as bytes: what is written is read again as it was, and for whom it is can be told. What
 * is no message is the topic of test_wire_refusals.c. */
#include "engine/wire_sample.h"

/* The layout is a promise to other processes: this is what version 1 looks like. */
static void the_bytes_of_version_1(void **state)
{
    (void)state;
    static const uint8_t vote[] = {
        'I',  'x', 1, IRX_MESSAGE_VOTE,
        1, /* to one */
        0,    0,   0, 0,
        0,    0,   0, 3,
        0,    0,   0, 0,
        0,    0,   0, 4, /* to */
        0,    0,   0, 0,
        0,    0,   0, 1,
        0,    0,   0, 0,
        0,    0,   0, 2, /* from */
        1,    2,   3, 4, /* presence */
        0,    0,   0, 0,
        0,    0,   0, 5,
        0,    0,   0, 0,
        0,    0,   0, 6, /* incarnation */
        0xac, 2,         /* term 300 */
        0,    0,   0, 0,
        0,    0,   0, 7,
        0,    0,   0, 0,
        0,    0,   0, 8, /* holder */
    };
    irx_message message = sample(IRX_MESSAGE_VOTE);
    assert_int_equal(encode(&message), sizeof vote);
    assert_memory_equal(bytes, vote, sizeof vote);
}

static void every_kind_comes_back_as_it_was(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        assert_round_trip(&message);
    }
}

/* Terms, beats and holds at every length of a number, up to the largest that may be. */
static void numbers_come_back_at_their_bounds(void **state)
{
    (void)state;
    irx_message message = sample(IRX_MESSAGE_BEAT);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        for (int k = -1; k <= 1; k++) {
            uint64_t number = power + (uint64_t)(int64_t)k;
            message.beat = number > 0 ? number : UINT64_MAX;
            message.token.term = number > 0 && number < IRX__TERM_LIMIT ? number : 1;
            message.hold_ns = number > 0 && number <= IRX__HOLD_LIMIT_NS ? (int64_t)number : 1;
            assert_round_trip(&message);
        }
    }
    message.token.term = IRX__TERM_LIMIT - 1;
    message.hold_ns = IRX__HOLD_LIMIT_NS;
    message.from = largest;
    message.token.incarnation = largest;
    message.presence = UINT32_MAX;
    assert_round_trip(&message);
    message.from = smallest;
    message.token.incarnation = (irx_id){1, 0};
    message.presence = 0;
    assert_round_trip(&message);
}

/* The longest of each kind fits into what is promised for a header. */
static void the_longest_header_fits(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        message.from = largest;
        message.presence = UINT32_MAX;
        if (kinds[i] == IRX_MESSAGE_DATA) {
            message.audience = IRX_TO_MEMBER;
            message.to = largest;
        } else {
            message.token = (irx_token){IRX__TERM_LIMIT - 1, largest};
            message.to = irx_id_none(message.to) ? message.to : largest;
            message.holder = irx_id_none(message.holder) ? message.holder : largest;
            message.beat = message.beat == 0 ? 0 : UINT64_MAX;
            message.hold_ns = message.hold_ns == 0 ? 0 : IRX__HOLD_LIMIT_NS;
        }
        assert_round_trip(&message);
    }
}

static void data_of_any_length_up_to_the_limit_comes_back(void **state)
{
    (void)state;
    static uint8_t data[IRX_MESSAGE_MAX + 1];
    static const size_t lengths[] = {0, 1, 127, 128, IRX_MESSAGE_MAX - 1, IRX_MESSAGE_MAX};
    irx_message message = sample(IRX_MESSAGE_DATA);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    message.data = data;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        message.length = lengths[i];
        assert_round_trip(&message);
    }
    message.length = IRX_MESSAGE_MAX + 1;
    assert_int_equal(irx_message_encode(&message, bytes, sizeof bytes), 0);
    message.length = 0;
    message.data = NULL;
    assert_round_trip(&message);
}

static void each_audience_is_addressed_in_its_way(void **state)
{
    (void)state;
    irx_message message = sample(IRX_MESSAGE_DATA);
    for (int audience = IRX_TO_MEMBER; audience <= IRX_TO_ALL; audience++) {
        bool to_one = audience == IRX_TO_MEMBER || audience == IRX_TO_LEADER;
        message.audience = (irx_audience)audience;
        message.to = to_one ? (irx_id){3, 4} : (irx_id){0, 0};
        assert_round_trip(&message);
        message.to = to_one ? (irx_id){0, 0} : (irx_id){3, 4};
        assert_decoded(IRX_DECODED_MALFORMED, encode(&message));
    }
    message = sample(IRX_MESSAGE_DATA);
    size_t length = encode(&message);
    size_t at = length - message.length - 2;
    for (unsigned byte = 0; byte < 256; byte++) {
        bytes[at] = (uint8_t)byte;
        bool known = byte == IRX_TO_FOLLOWERS || byte == IRX_TO_ALL;
        assert_decoded(known ? IRX_DECODED : IRX_DECODED_MALFORMED, length);
    }
    bytes[at] = IRX_TO_ALL;
    for (unsigned byte = 0; byte < 256; byte++) {
        bytes[at + 1] = (uint8_t)byte;
        assert_decoded(byte <= 1 ? IRX_DECODED : IRX_DECODED_MALFORMED, length);
    }
}

/* A room that is too small by any number of bytes is told, and nothing is written behind it. */
static void a_room_that_does_not_suffice_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        size_t length = encode(&message);
        for (size_t room = 0; room < length; room++) {
            memset(bytes, 0xee, length);
            assert_int_equal(irx_message_encode(&message, bytes, room), 0);
            assert_int_equal(bytes[room], 0xee);
        }
        assert_int_equal(irx_message_encode(&message, bytes, length), length);
    }
}

/* The inbox of a process asks for whom a message is before anybody reads the rest of it. */
static void for_whom_it_is_can_be_told_without_reading_it(void **state)
{
    (void)state;
    irx_message message = sample(IRX_MESSAGE_ACK);
    size_t length = encode(&message);
    for (size_t cut = 0; cut <= length; cut++) {
        irx_id to = irx_message_to(bytes, cut);
        bool whole = cut >= AT_TO + 1 + 16;
        assert_true(irx_id_equal(to, whole ? message.to : (irx_id){0, 0}));
    }
    message = sample(IRX_MESSAGE_BEAT);
    length = encode(&message);
    for (size_t cut = 0; cut <= length; cut++)
        assert_true(irx_id_none(irx_message_to(bytes, cut)));
}

/* FNV-1a with all 64 bits folded into 32: a row and a message of different builds must agree. */
static void a_digest_is_the_same_everywhere(void **state)
{
    (void)state;
    irx_id process = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};
    assert_int_equal(irx_presence_digest((irx_id){0, 0}), 0);
    assert_int_equal(irx_presence_digest(process), UINT32_C(0x785f42d1));
    for (unsigned bit = 0; bit < 128; bit++) {
        irx_id other = process;
        if (bit < 64)
            other.hi ^= UINT64_C(1) << bit;
        else
            other.lo ^= UINT64_C(1) << (bit - 64);
        assert_int_not_equal(irx_presence_digest(other), irx_presence_digest(process));
    }
}

static void a_message_is_genuine_under_its_senders_presence(void **state)
{
    (void)state;
    irx_member members[2] = {
        {.session = {1, 1}, .process = {9, 1}},
        {.session = {1, 2}, .process = {9, 2}},
    };
    irx_message message = sample(IRX_MESSAGE_BEAT);
    message.from = members[1].session;
    message.presence = irx_presence_digest(members[1].process);
    assert_true(irx_message_genuine(&message, members, 2));
    message.presence = irx_presence_digest(members[0].process);
    assert_false(irx_message_genuine(&message, members, 2));
    /* Where either side names no presence there is nothing to compare. */
    message.presence = 0;
    assert_true(irx_message_genuine(&message, members, 2));
    message.presence = irx_presence_digest(members[0].process);
    members[1].process = (irx_id){0, 0};
    assert_true(irx_message_genuine(&message, members, 2));
    /* A row that has not come yet: of this sender nothing is known against it. */
    assert_true(irx_message_genuine(&message, members, 1));
    assert_true(irx_message_genuine(&message, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_of_version_1),
        cmocka_unit_test(every_kind_comes_back_as_it_was),
        cmocka_unit_test(numbers_come_back_at_their_bounds),
        cmocka_unit_test(the_longest_header_fits),
        cmocka_unit_test(data_of_any_length_up_to_the_limit_comes_back),
        cmocka_unit_test(each_audience_is_addressed_in_its_way),
        cmocka_unit_test(a_room_that_does_not_suffice_is_told),
        cmocka_unit_test(for_whom_it_is_can_be_told_without_reading_it),
        cmocka_unit_test(a_digest_is_the_same_everywhere),
        cmocka_unit_test(a_message_is_genuine_under_its_senders_presence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
