/* The one place where roles, reasons, guarantees, errors and identifiers become text and back.
 * Texts come from the lists of interrex_types.h, so that a log line, an exception and a test use
 * the same word. */
#include "interrex_types.h"

const char *irx_role_text(irx_role role)
{
    switch (role) {
#define X(name, text)                                                                              \
    case IRX_ROLE_##name: return text;
        IRX_ROLE_MAP(X)
#undef X
    }
    return "unknown";
}

const char *irx_reason_text(irx_reason reason)
{
    switch (reason) {
#define X(name, text)                                                                              \
    case IRX_REASON_##name: return text;
        IRX_REASON_MAP(X)
#undef X
    }
    return "unknown";
}

const char *irx_guarantee_text(irx_guarantee guarantee)
{
    switch (guarantee) {
#define X(name, text)                                                                              \
    case IRX_GUARANTEE_##name: return text;
        IRX_GUARANTEE_MAP(X)
#undef X
    }
    return "unknown";
}

const char *irx_error_name(int code)
{
    switch (code) {
#define X(name, value, word, text)                                                                 \
    case value: return word;
        IRX_ERROR_MAP(X)
#undef X
    default: return "unknown";
    }
}

const char *irx_error_text(int code)
{
    switch (code) {
#define X(name, value, word, text)                                                                 \
    case value: return text;
        IRX_ERROR_MAP(X)
#undef X
    default: return "unknown";
    }
}

static void print_half(uint64_t half, char *text)
{
    for (int i = 15; i >= 0; i--, half >>= 4)
        text[i] = "0123456789abcdef"[half & 15];
}

void irx_id_print(irx_id id, char text[33])
{
    print_half(id.hi, text);
    print_half(id.lo, text + 16);
    text[32] = '\0';
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool irx_id_parse(const char *text, irx_id *id)
{
    if (!text)
        return false;
    uint64_t halves[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        int value =
            digit_value(text[i]); /* the final zero is no digit, so nothing is read past it */
        if (value < 0)
            return false;
        halves[i / 16] = halves[i / 16] << 4 | (uint64_t)value;
    }
    if (text[32] != '\0')
        return false;
    *id = (irx_id){.hi = halves[0], .lo = halves[1]};
    return true;
}
