/* Decides how a record and a member table are written as text, strictly enough that a file which
 * somebody else made, or which was cut off, is never taken for ours. Pure: it must never touch a
 * file.
 *
 *     interrex-record 1          interrex-members 1
 *     protocol 1                 last_join 7
 *     …                          row <session> <join> <candidate> <label>
 *     check <FNV-1a, 64 bits>    check <FNV-1a, 64 bits> */
#include "medium/local_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_TITLE "interrex-record "
#define TABLE_TITLE "interrex-members 1\n"

enum { COMPONENT_MAX = 200 /* bytes of one directory's name */ };

typedef enum kind { KIND_ID, KIND_U64, KIND_I64, KIND_U32, KIND_BOOL, KIND_TEXT } kind;

typedef struct field {
    const char *name;
    kind kind;
    size_t offset;
} field;

static_assert(sizeof(irx_protocol) == 4 && sizeof(irx_takeover) == 4, "printed as 32 bits");

static const field FIELDS[] = {
    {"protocol", KIND_U32, offsetof(irx_record, protocol)},
    {"takeover", KIND_U32, offsetof(irx_record, takeover)},
    {"presence_seen", KIND_BOOL, offsetof(irx_record, presence_seen)},
    {"incarnation", KIND_ID, offsetof(irx_record, incarnation)},
    {"term", KIND_U64, offsetof(irx_record, term)},
    {"session", KIND_ID, offsetof(irx_record, session)},
    {"process", KIND_ID, offsetof(irx_record, process)},
    {"beat", KIND_U64, offsetof(irx_record, beat)},
    {"hold_ns", KIND_I64, offsetof(irx_record, hold_ns)},
    {"epoch", KIND_ID, offsetof(irx_record, epoch)},
    {"successor", KIND_ID, offsetof(irx_record, successor)},
    {"label", KIND_TEXT, offsetof(irx_record, label)},
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS };

static uint64_t checksum(const char *text, size_t length)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* ---- names and labels ------------------------------------------------------------------------ */

static size_t encode(const char *from, const char *escaped, char *to)
{
    size_t length = 0;
    for (; *from; from++) {
        unsigned char c = (unsigned char)*from;
        if (c < 0x20 || c == 0x7f || c == '%' || strchr(escaped, c))
            length += (size_t)sprintf(to + length, "%%%02X", c);
        else
            to[length++] = (char)c;
    }
    to[length] = '\0';
    return length;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(const char *from, size_t length, char *to, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (at + 1 >= room)
            return false;
        if (from[i] != '%') {
            to[at++] = from[i];
            continue;
        }
        int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
        int low = i + 2 < length ? hex_digit(from[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        to[at++] = (char)(high * 16 + low);
        i += 2;
    }
    to[at] = '\0';
    return true;
}

void irx__local_name(const char *name, char path[IRX__LOCAL_NAME_MAX])
{
    char encoded[3 * IRX_NAME_MAX + 1];
    size_t length = encode(name, "/~.", encoded);
    size_t first = length;
    if (length > COMPONENT_MAX) {
        first = COMPONENT_MAX;
        snprintf(path, IRX__LOCAL_NAME_MAX, "%.*s~/%s", (int)first, encoded, encoded + first);
    } else {
        snprintf(path, IRX__LOCAL_NAME_MAX, "%s", encoded);
    }
}

/* ---- printing -------------------------------------------------------------------------------- */

static size_t print_field(const field *one, const irx_record *record, char *text)
{
    const char *at = (const char *)record + one->offset;
    size_t length = (size_t)sprintf(text, "%s ", one->name);
    text += length;
    irx_id id;
    uint64_t number = 0;
    uint32_t small;
    switch (one->kind) {
    case KIND_ID:
        memcpy(&id, at, sizeof id);
        irx_id_print(id, text);
        length += 32;
        text[32] = '\n';
        return length + 1;
    case KIND_TEXT: {
        size_t size = encode(at, "", text);
        text[size] = '\n';
        return length + size + 1;
    }
    case KIND_BOOL: number = *(const bool *)at; break;
    case KIND_U32:
        memcpy(&small, at, sizeof small);
        number = small;
        break;
    case KIND_U64:
    case KIND_I64: memcpy(&number, at, sizeof number); break;
    }
    return length + (size_t)sprintf(text, "%" PRIu64 "\n", number);
}

static size_t seal(char *text, size_t length)
{
    return length +
           (size_t)sprintf(text + length, "check %016" PRIx64 "\n", checksum(text, length));
}

size_t irx__local_print_record(const irx_record *record, char text[IRX__LOCAL_RECORD_MAX])
{
    size_t length = (size_t)sprintf(text, RECORD_TITLE "%u\n", (unsigned)record->format);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        length += print_field(&FIELDS[i], record, text + length);
    return seal(text, length);
}

size_t irx__local_table_room(const irx__table *table)
{
    return 128 + table->count * IRX__LOCAL_ROW_MAX;
}

size_t irx__local_print_table(const irx__table *table, char *text, size_t room)
{
    assert(room >= irx__local_table_room(table));
    size_t length = (size_t)sprintf(text, TABLE_TITLE "last_join %" PRIu64 "\n", table->last_join);
    for (size_t i = 0; i < table->count; i++) {
        const irx_member *row = &table->rows[i];
        char session[33];
        irx_id_print(row->session, session);
        length += (size_t)sprintf(text + length, "row %s %" PRIu64 " %d ", session, row->join,
                                  row->candidate);
        length += encode(row->label, "", text + length);
        text[length++] = '\n';
    }
    return seal(text, length);
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* Up to 20 digits and nothing else. */
static bool parse_number(const char *text, size_t length, uint64_t *number)
{
    uint64_t sum = 0;
    if (length == 0 || length > 20)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

static bool parse_id(const char *text, size_t length, irx_id *id)
{
    char digits[33];
    if (length != 32)
        return false;
    memcpy(digits, text, 32);
    digits[32] = '\0';
    return irx_id_parse(digits, id);
}

static bool parse_field(const field *one, const char *text, size_t length, irx_record *record)
{
    char *at = (char *)record + one->offset;
    irx_id id;
    uint64_t number;
    if (one->kind == KIND_TEXT)
        return decode(text, length, at, IRX_LABEL_MAX + 1);
    if (one->kind == KIND_ID) {
        if (!parse_id(text, length, &id))
            return false;
        memcpy(at, &id, sizeof id);
        return true;
    }
    if (!parse_number(text, length, &number))
        return false;
    if (one->kind == KIND_BOOL) {
        *(bool *)at = number == 1;
        return number <= 1;
    }
    if (one->kind == KIND_U32) {
        uint32_t small = (uint32_t)number;
        memcpy(at, &small, sizeof small);
        return number <= UINT32_MAX;
    }
    memcpy(at, &number, sizeof number);
    return one->kind == KIND_U64 || number <= INT64_MAX;
}

/* The text ends with a line that sums up all before it. *end is where that line begins. */
static bool is_sealed(const char *text, const char **end)
{
    size_t length = strlen(text);
    size_t line = strlen("check \n") + 16;
    char expected[32];
    if (length < line)
        return false;
    *end = text + length - line;
    snprintf(expected, sizeof expected, "check %016" PRIx64 "\n", checksum(text, length - line));
    return strcmp(*end, expected) == 0;
}

static const field *find_field(const char *line, size_t name_length)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strlen(FIELDS[i].name) == name_length && memcmp(FIELDS[i].name, line, name_length) == 0)
            return &FIELDS[i];
    return NULL;
}

/* The lines between the title and `end`: the known ones are read, one bit of *known for each, the
 * others counted. A field that stands twice is nobody's. */
static bool parse_fields(const char *text, const char *end, irx_record *record, unsigned *known,
                         unsigned *unknown)
{
    *known = *unknown = 0;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *space = line_end ? memchr(text, ' ', (size_t)(line_end - text)) : NULL;
        if (!space)
            return false;
        const field *one = find_field(text, (size_t)(space - text));
        if (one && !parse_field(one, space + 1, (size_t)(line_end - space) - 1, record))
            return false;
        unsigned bit = one ? 1u << (one - FIELDS) : 0;
        if (*known & bit)
            return false;
        *known |= bit;
        *unknown += one == NULL;
        text = line_end + 1;
    }
    return true;
}

int irx__local_parse_record(const char *text, irx_record *record)
{
    irx_record read = {0};
    uint64_t format;
    unsigned known, unknown;
    const char *line_end = strchr(text, '\n');
    const char *end = text + strlen(text);
    size_t title = strlen(RECORD_TITLE);
    if (!line_end || strncmp(text, RECORD_TITLE, title) != 0 ||
        !parse_number(text + title, (size_t)(line_end - text) - title, &format) || format == 0 ||
        format > UINT32_MAX)
        return IRX_EFOREIGN;
    bool newer = format > IRX_FORMAT;
    if (!newer && !is_sealed(text, &end))
        return IRX_EFOREIGN;
    if (!parse_fields(line_end + 1, end, &read, &known, &unknown))
        return IRX_EFOREIGN;
    if (!newer && (known != (1u << FIELD_COUNT) - 1 || unknown != 0))
        return IRX_EFOREIGN;
    read.format = (uint32_t)format;
    *record = read;
    return 0;
}

static bool parse_row(const char *text, const char *line_end, irx_member *row)
{
    const char *join = text + strlen("row ") + 33;
    *row = (irx_member){0};
    if (join >= line_end || strncmp(text, "row ", 4) != 0 || join[-1] != ' ' ||
        !parse_id(text + 4, 32, &row->session))
        return false;
    const char *candidate = memchr(join, ' ', (size_t)(line_end - join));
    if (!candidate || line_end - candidate < 3 || candidate[2] != ' ' ||
        (candidate[1] != '0' && candidate[1] != '1') ||
        !parse_number(join, (size_t)(candidate - join), &row->join))
        return false;
    row->candidate = candidate[1] == '1';
    row->process = row->session; /* presence is per session here */
    return decode(candidate + 3, (size_t)(line_end - candidate) - 3, row->label, sizeof row->label);
}

int irx__local_parse_table(const char *text, irx__table *table)
{
    const char *end;
    uint64_t last_join;
    size_t title = strlen(TABLE_TITLE "last_join ");
    if (strncmp(text, TABLE_TITLE "last_join ", title) != 0 || !is_sealed(text, &end))
        return IRX_EFOREIGN;
    const char *line_end = strchr(text + title, '\n');
    if (!line_end || !parse_number(text + title, (size_t)(line_end - text) - title, &last_join))
        return IRX_EFOREIGN;
    for (text = line_end + 1; text < end; text = line_end + 1) {
        irx_member row;
        line_end = memchr(text, '\n', (size_t)(end - text));
        if (!line_end || !parse_row(text, line_end, &row) || irx__table_find(table, row.session))
            return IRX_EFOREIGN;
        if (irx__table_put(table, &row, NULL, NULL) != 0)
            return IRX_ENOMEM;
    }
    if (last_join > table->last_join)
        table->last_join = last_join;
    return 0;
}
