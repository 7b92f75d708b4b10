/* Decides how a record is written as text, strictly enough that a file which somebody else made, or
 * which was cut off, is never taken for ours; and how elections are named. The version of the
 * published value is not in it: the value's own file says it (local_value_text.c). Nor is a list of
 * voters: protocol quorum is not held here. Pure: it must never touch a file.
 *
 *     interrex-record 1
 *     protocol 1
 *     …
 *     check <FNV-1a, 64 bits> */
#include "medium/local_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "medium/local_escape.h"

#define RECORD_TITLE "interrex-record "

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

/* ---- names and labels ------------------------------------------------------------------------ */

void irx__local_name(const char *name, char path[IRX__LOCAL_NAME_MAX])
{
    char encoded[3 * IRX_NAME_MAX + 1];
    size_t length = irx__escape(name, strlen(name), "/~.", encoded);
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
        size_t size = irx__escape(at, strlen(at), "", text);
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

size_t irx__local_print_record(const irx_record *record, char text[IRX__LOCAL_RECORD_MAX])
{
    size_t length = (size_t)sprintf(text, RECORD_TITLE "%u\n", (unsigned)record->format);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        length += print_field(&FIELDS[i], record, text + length);
    return irx__seal(text, length);
}

/* ---- parsing --------------------------------------------------------------------------------- */

static bool parse_field(const field *one, const char *text, size_t length, irx_record *record)
{
    char *at = (char *)record + one->offset;
    irx_id id;
    uint64_t number;
    if (one->kind == KIND_TEXT)
        return irx__unescape_text(text, length, at, IRX_LABEL_MAX + 1);
    if (one->kind == KIND_ID) {
        if (!irx__parse_digits(text, length, &id))
            return false;
        memcpy(at, &id, sizeof id);
        return true;
    }
    if (!irx__parse_number(text, length, &number))
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
        !irx__parse_number(text + title, (size_t)(line_end - text) - title, &format) ||
        format == 0 || format > UINT32_MAX)
        return IRX_EFOREIGN;
    bool newer = format > IRX_FORMAT;
    if (!newer && !irx__is_sealed(text, &end))
        return IRX_EFOREIGN;
    if (!parse_fields(line_end + 1, end, &read, &known, &unknown))
        return IRX_EFOREIGN;
    if (!newer && (known != (1u << FIELD_COUNT) - 1 || unknown != 0))
        return IRX_EFOREIGN;
    read.format = (uint32_t)format;
    *record = read;
    return 0;
}
