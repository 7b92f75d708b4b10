/* The texts, numbers and identifiers that rows are made of, and the errors about them. Decides what
 * exactly one of each is; it must never read past the end of a cell, and never put more of a
 * foreign one into an error than a short printable piece. */
#include "medium/postgres_value.h"

#include "runtime/error.h"

#include <string.h>

bool irx__pg_cell_is(irx__pg_cell cell, const char *text)
{
    return cell.bytes != NULL && cell.length == strlen(text) &&
           memcmp(cell.bytes, text, cell.length) == 0;
}

bool irx__pg_read_number(irx__pg_cell cell, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    if (cell.bytes == NULL || cell.length == 0 || cell.length > 19 ||
        (cell.length > 1 && cell.bytes[0] == '0'))
        return false;
    for (size_t i = 0; i < cell.length; i++) {
        if (cell.bytes[i] < '0' || cell.bytes[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(cell.bytes[i] - '0');
    }
    if (value > max)
        return false;
    *number = value;
    return true;
}

bool irx__pg_read_flag(irx__pg_cell cell, bool *flag)
{
    *flag = irx__pg_cell_is(cell, "1");
    return *flag || irx__pg_cell_is(cell, "0");
}

bool irx__pg_read_id(irx__pg_cell cell, bool optional, irx_id *id)
{
    char digits[33];
    if (cell.bytes != NULL && cell.length == 0 && optional) {
        *id = (irx_id){0, 0};
        return true;
    }
    if (cell.bytes == NULL || cell.length != 32)
        return false;
    memcpy(digits, cell.bytes, 32);
    digits[32] = '\0';
    return irx_id_parse(digits, id);
}

bool irx__pg_read_label(irx__pg_cell cell, char label[IRX_LABEL_MAX + 1])
{
    if (cell.bytes == NULL || cell.length > IRX_LABEL_MAX ||
        memchr(cell.bytes, '\0', cell.length) != NULL)
        return false;
    memcpy(label, cell.bytes, cell.length);
    label[cell.length] = '\0';
    return true;
}

/* The value of a digit, or -1. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool irx__pg_read_hex(irx__pg_cell cell, void *bytes)
{
    unsigned char *to = bytes;
    if (cell.bytes == NULL || cell.length % 2 != 0)
        return false;
    for (size_t i = 0; i < cell.length; i += 2) {
        int high = digit(cell.bytes[i]);
        int low = digit(cell.bytes[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *to++ = (unsigned char)(high * 16 + low);
    }
    return true;
}

static void show(irx__pg_cell cell, char shown[IRX_PG_SHOWN_MAX])
{
    size_t kept = cell.length > 40 ? 40 : cell.length;
    for (size_t i = 0; i < kept; i++) {
        char c = cell.bytes[i];
        shown[i] = '?';
        if (c >= ' ' && c <= '~')
            shown[i] = c;
    }
    memcpy(shown + kept, cell.length > kept ? "..." : "", cell.length > kept ? 4 : 1);
}

int irx__pg_foreign(irx_error *error, const char *ledger, const char *name, const char *column,
                    irx__pg_cell found)
{
    char shown[IRX_PG_SHOWN_MAX] = "";
    if (found.bytes != NULL)
        show(found, shown);
    return irx__error_set(error, IRX_EFOREIGN,
                          "in table %.132s the row of \"%.60s\" is not ours: its column \"%.40s\" "
                          "is %s%s%s; use another namespace, or delete the row",
                          ledger, name, column, found.bytes != NULL ? "\"" : "",
                          found.bytes != NULL ? shown : "NULL", found.bytes != NULL ? "\"" : "");
}

int irx__pg_senseless(irx_error *error, const char *what)
{
    return irx__error_set(error, IRX_EPROTOCOL, "the server's answer makes no sense: %s", what);
}
