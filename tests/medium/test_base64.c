/* Messages that travel as text come back as they were, and nothing else comes back at all. */
#include "cmocka_all.h"
#include "medium/base64.h"

#include <stdint.h>
#include <string.h>

/* The vectors of RFC 4648, section 10. */
static void known_texts(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[16];
        irx__base64_encode(pairs[i][0], strlen(pairs[i][0]), text);
        assert_string_equal(text, pairs[i][1]);
    }
}

/* Every byte in every place of a group survives the way there and back. */
static void all_bytes_come_back(void **state)
{
    unsigned char bytes[257] = {0};
    unsigned char back[257];
    char text[IRX_BASE64_LENGTH(sizeof bytes) + 1];
    (void)state;
    for (size_t length = 0; length <= sizeof bytes; length++) {
        size_t found = 0;
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (unsigned char)(i * 7 + length);
        }
        irx__base64_encode(bytes, length, text);
        assert_int_equal(strlen(text), IRX_BASE64_LENGTH(length));
        assert_true(irx__base64_decode(text, back, length, &found));
        assert_int_equal(found, length);
        assert_memory_equal(bytes, back, length);
        if (length > 0) {
            assert_false(irx__base64_decode(text, back, length - 1, &found));
        }
    }
}

/* A text that we never write is refused: a hostile NOTIFY must not become a message. */
static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "Z",    "Zg",       "Zg=",    "=",    "==",   "====", "Z===", "Zh==",
        "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm9 ", "Z-8_", "Zg=v", "=m9v", "\xff\xff\xff\xff"};
    unsigned char back[64];
    size_t length;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (irx__base64_decode(texts[i], back, sizeof back, &length)) {
            fail_msg("\"%s\" was taken", texts[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(all_bytes_come_back),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
