/* Words for people: every entry of every list has one, and none is shared. */
#include "cmocka_all.h"
#include "runtime/error.h"

#include <string.h>

static void every_value_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(irx_role_text(IRX_ROLE_DRAINING), "draining");
    assert_string_equal(irx_reason_text(IRX_REASON_CUT_OFF), "cut-off");
    assert_string_equal(irx_guarantee_text(IRX_GUARANTEE_KERNEL), "kernel");
    assert_string_equal(irx_error_name(IRX_ENOMEM), "NO_MEMORY");
    assert_string_equal(irx_error_name(0), "OK");
    for (int code = IRX_OK; code >= IRX_EOVERFLOW; code--) {
        assert_string_not_equal(irx_error_name(code), "unknown");
        assert_string_not_equal(irx_error_text(code), "unknown");
        for (int other = code - 1; other >= IRX_EOVERFLOW; other--)
            assert_string_not_equal(irx_error_name(code), irx_error_name(other));
    }
}

static void an_unknown_value_has_one_too(void **state)
{
    (void)state;
    assert_string_equal(irx_role_text((irx_role)99), "unknown");
    assert_string_equal(irx_reason_text((irx_reason)99), "unknown");
    assert_string_equal(irx_guarantee_text((irx_guarantee)99), "unknown");
    assert_string_equal(irx_error_name(1), "unknown");
    assert_string_equal(irx_error_text(-999), "unknown");
}

static void an_id_survives_its_text(void **state)
{
    (void)state;
    irx_id id = {0x0123456789abcdef, 0xfedcba9876543210}, back = {0, 0};
    char text[33];
    irx_id_print(id, text);
    assert_string_equal(text, "0123456789abcdeffedcba9876543210");
    assert_true(irx_id_parse("0123456789ABCDEFfedcba9876543210", &back));
    assert_true(irx_id_equal(id, back));
}

static void what_is_no_id_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "0123456789abcdeffedcba987654321",
                                      "0123456789abcdeffedcba98765432100",
                                      "0123456789abcdeffedcba987654321g",
                                      "0x23456789abcdeffedcba9876543210",
                                      " 123456789abcdeffedcba9876543210",
                                      NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        irx_id id = {1, 2};
        assert_false(irx_id_parse(bad[i], &id));
        assert_true(id.hi == 1 && id.lo == 2);
    }
}

static void random_ids_differ(void **state)
{
    (void)state;
    irx_id a = irx__random_id(), b = irx__random_id();
    assert_false(irx_id_none(a));
    assert_false(irx_id_equal(a, b));
}

static void a_long_story_is_cut(void **state)
{
    (void)state;
    char story[2 * IRX_ERROR_TEXT_MAX];
    memset(story, 'x', sizeof story);
    story[sizeof story - 1] = '\0';
    irx_error error;
    assert_int_equal(irx__error_set(&error, IRX_EFULL, "%s", story), IRX_EFULL);
    assert_int_equal(strlen(error.text), IRX_ERROR_TEXT_MAX - 1);
    assert_int_equal(irx__error_set(NULL, IRX_EFULL, "%s", story), IRX_EFULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_has_its_word), cmocka_unit_test(an_unknown_value_has_one_too),
        cmocka_unit_test(an_id_survives_its_text),  cmocka_unit_test(what_is_no_id_changes_nothing),
        cmocka_unit_test(random_ids_differ),        cmocka_unit_test(a_long_story_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
