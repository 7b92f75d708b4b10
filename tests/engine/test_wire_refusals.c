/* Messages as bytes: nothing but what the writer writes is taken for a message, and what a later
 * library says is told from what is broken. */
#include "engine/wire_sample.h"

/* Longer data than the limit is refused by the reader too, wherever it came from. */
static void data_beyond_the_limit_is_malformed(void **state)
{
    (void)state;
    static uint8_t longest[IRX_MESSAGE_MAX];
    irx_message message = sample(IRX_MESSAGE_DATA);
    message.data = longest;
    message.length = sizeof longest;
    size_t length = encode(&message);
    assert_decoded(IRX_DECODED, length);
    bytes[length] = 0;
    assert_decoded(IRX_DECODED_MALFORMED, length + 1);
}

/* DATA cut within its data is shorter data, as it says no length of its own; within its header, and
 * anywhere in the other kinds, a cut is malformed. */
static void cut_short_anywhere_is_malformed(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        size_t length = encode(&message) - message.length;
        for (size_t cut = 2; cut < length; cut++)
            assert_decoded(IRX_DECODED_MALFORMED, cut);
        assert_decoded(IRX_DECODED_FOREIGN, 1);
        assert_decoded(IRX_DECODED_FOREIGN, 0);
    }
}

static void anything_behind_the_end_is_malformed(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        size_t length = encode(&message);
        if (kinds[i] == IRX_MESSAGE_DATA)
            continue; /* that is longer data */
        for (unsigned byte = 0; byte < 256; byte++) {
            bytes[length] = (uint8_t)byte;
            assert_decoded(IRX_DECODED_MALFORMED, length + 1);
        }
        memset(bytes + length, 0, 100);
        assert_decoded(IRX_DECODED_MALFORMED, length + 100);
    }
}

/* Where the number ends that begins there. */
static size_t number_end(size_t at)
{
    while ((bytes[at] & 0x80) != 0)
        at++;
    return at + 1;
}

/* Puts other bytes in the place of the number at `at`; the message's new length. */
static size_t replace_number(size_t length, size_t at, const uint8_t *number, size_t size)
{
    size_t end = number_end(at);
    memmove(bytes + at + size, bytes + end, length - end);
    memcpy(bytes + at, number, size);
    return length - (end - at) + size;
}

static void a_number_has_one_form(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t size;
        irx_decoded decoded;
    } forms[] = {
        {{0x01}, 1, IRX_DECODED},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, IRX_DECODED},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 10, IRX_DECODED},
        {{0x00}, 1, IRX_DECODED_MALFORMED},             /* a beat begins at 1 */
        {{0x81, 0x00}, 2, IRX_DECODED_MALFORMED},       /* longer than it needs to be */
        {{0xff, 0x80, 0x00}, 3, IRX_DECODED_MALFORMED}, /* likewise */
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 10, IRX_DECODED_MALFORMED},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}, 10, IRX_DECODED_MALFORMED},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 10, IRX_DECODED_MALFORMED},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x00},
         11,
         IRX_DECODED_MALFORMED}, /* more than ten bytes */
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x01},
         11,
         IRX_DECODED_MALFORMED},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        irx_message message = sample(IRX_MESSAGE_ACK);
        message.beat = 1;
        size_t length = encode(&message);
        length = replace_number(length, length - 1, forms[i].bytes, forms[i].size);
        assert_decoded(forms[i].decoded, length);
    }
    irx_message message = sample(IRX_MESSAGE_ACK), again;
    size_t length = encode(&message) - 2; /* beat 128 */
    memcpy(bytes + length, forms[1].bytes, forms[1].size);
    assert_int_equal(decode(length + forms[1].size, &again), IRX_DECODED);
    assert_int_equal(again.beat, UINT64_MAX);
}

/* Terms and holds have limits of their own, below the largest number. */
static void a_value_that_can_not_be_is_malformed(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        if (kinds[i] == IRX_MESSAGE_DATA)
            continue;
        message.token.term = 0;
        assert_decoded(IRX_DECODED_MALFORMED, encode(&message));
        message.token.term = IRX__TERM_LIMIT;
        assert_decoded(IRX_DECODED_MALFORMED, encode(&message));
        message.token.term = IRX__TERM_LIMIT - 1;
        assert_decoded(IRX_DECODED, encode(&message));
    }
    irx_message message = sample(IRX_MESSAGE_BEAT);
    static const int64_t holds[] = {0, IRX__HOLD_LIMIT_NS + 1, INT64_MAX, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
        message.hold_ns = holds[i];
        assert_decoded(IRX_DECODED_MALFORMED, encode(&message));
    }
}

static void an_id_that_has_to_be_there_is(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        message.from = (irx_id){0, 0};
        assert_decoded(IRX_DECODED_MALFORMED, encode(&message));
        if (kinds[i] == IRX_MESSAGE_DATA)
            continue;
        message = sample(kinds[i]);
        message.token.incarnation = (irx_id){0, 0};
        assert_decoded(IRX_DECODED_MALFORMED, encode(&message));
        message = sample(kinds[i]);
        message.holder = (irx_id){0, 0};
        bool has_holder = kinds[i] == IRX_MESSAGE_CALL || kinds[i] == IRX_MESSAGE_VOTE;
        assert_decoded(has_holder ? IRX_DECODED_MALFORMED : IRX_DECODED, encode(&message));
    }
    /* To one, who is nobody. */
    irx_message message = sample(IRX_MESSAGE_VOTE);
    size_t length = encode(&message);
    memset(bytes + AT_TO + 1, 0, 16);
    assert_decoded(IRX_DECODED_MALFORMED, length);
    assert_true(irx_id_none(irx_message_to(bytes, length)));
}

/* What is for everybody names nobody, and what is for one names him. */
static void each_kind_is_for_one_or_for_everybody(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        message.to = irx_id_none(message.to) ? (irx_id){3, 4} : (irx_id){0, 0};
        assert_decoded(IRX_DECODED_MALFORMED, encode(&message));
    }
    irx_message message = sample(IRX_MESSAGE_VOTE);
    size_t length = encode(&message);
    for (unsigned flag = 2; flag < 256; flag++) {
        bytes[AT_TO] = (uint8_t)flag;
        assert_decoded(IRX_DECODED_MALFORMED, length);
        assert_true(irx_id_none(irx_message_to(bytes, length)));
    }
}

/* A later version may put anything behind its number, a later kind of this version anything behind
 * its name; zero is neither. */
static void what_a_later_library_says_is_newer(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        irx_message message = sample(kinds[i]);
        size_t length = encode(&message);
        for (unsigned version = 2; version < 256; version++) {
            bytes[AT_VERSION] = (uint8_t)version;
            for (size_t cut = AT_VERSION + 1; cut <= length; cut++)
                assert_decoded(IRX_DECODED_NEWER, cut);
            assert_true(irx_id_none(irx_message_to(bytes, length)));
        }
        bytes[AT_KIND] = 0;
        assert_decoded(IRX_DECODED_NEWER, length);
        bytes[AT_VERSION] = 0;
        assert_decoded(IRX_DECODED_MALFORMED, length);
        bytes[AT_VERSION] = 1;
        assert_decoded(IRX_DECODED_MALFORMED, length);
        for (unsigned kind = IRX_MESSAGE_DATA + 1; kind < 256; kind++) {
            bytes[AT_KIND] = (uint8_t)kind;
            assert_decoded(IRX_DECODED_NEWER, length);
            assert_decoded(IRX_DECODED_NEWER, AT_KIND + 1);
            assert_true(irx_id_none(irx_message_to(bytes, length)));
        }
    }
}

static void other_peoples_bytes_are_foreign(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (int at = 0; at < 2; at++) {
            irx_message message = sample(IRX_MESSAGE_VOTE);
            size_t length = encode(&message);
            if (bytes[at] == byte)
                continue;
            bytes[at] = (uint8_t)byte;
            assert_decoded(IRX_DECODED_FOREIGN, length);
            assert_true(irx_id_none(irx_message_to(bytes, length)));
        }
    }
    irx_message message;
    assert_int_equal(irx_message_decode(NULL, 0, &message), IRX_DECODED_FOREIGN);
    assert_true(irx_id_none(irx_message_to(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_beyond_the_limit_is_malformed),
        cmocka_unit_test(cut_short_anywhere_is_malformed),
        cmocka_unit_test(anything_behind_the_end_is_malformed),
        cmocka_unit_test(a_number_has_one_form),
        cmocka_unit_test(a_value_that_can_not_be_is_malformed),
        cmocka_unit_test(an_id_that_has_to_be_there_is),
        cmocka_unit_test(each_kind_is_for_one_or_for_everybody),
        cmocka_unit_test(what_a_later_library_says_is_newer),
        cmocka_unit_test(other_peoples_bytes_are_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
