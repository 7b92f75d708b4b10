/* Writes operations as the parameters of their statement, in the order that the statement's head
 * names. It decides nothing, and must never read an answer: what the sender knows already comes in.
 */
#include "medium/postgres_question.h"

#include "medium/postgres_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values one after another, each ended by a zero; `starts` says where each is, since the bytes
 * move as they grow. */
typedef struct writer {
    irx__pg_text text;
    size_t starts[IRX_PG_VALUES_MAX];
    bool is_null[IRX_PG_VALUES_MAX];
    int count;
} writer;

static void begin(writer *to)
{
    assert(to->count < IRX_PG_VALUES_MAX);
    to->starts[to->count++] = to->text.used;
}

static void end(writer *to)
{
    irx__pg_text_put(&to->text, "", 1);
}

static void put(writer *to, const char *text)
{
    irx__pg_text_put(&to->text, text, strlen(text));
}

static void add_text(writer *to, const char *text)
{
    begin(to);
    put(to, text);
    end(to);
}

static void add_null(writer *to)
{
    to->is_null[to->count] = true;
    add_text(to, "");
}

/* None is the empty text. */
static const char *print_id(irx_id id, char digits[33])
{
    digits[0] = '\0';
    if (!irx_id_none(id))
        irx_id_print(id, digits);
    return digits;
}

static void add_id(writer *to, irx_id id)
{
    char digits[33];
    add_text(to, print_id(id, digits));
}

static void add_number(writer *to, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    add_text(to, digits);
}

static void add_flag(writer *to, bool flag)
{
    add_text(to, flag ? "1" : "0");
}

static void add_settings(writer *to, const irx_op *op)
{
    add_text(to, op->protocol == IRX_PROTOCOL_QUORUM ? "quorum" : "lease");
    add_text(to, op->takeover == IRX_TAKEOVER_FAST ? "fast" : "safe");
}

/* ---- arrays: a parameter that has a value for each question -----------------------------------
 */

/* One element, in quotes: so that whatever is in a name, it is one. */
static void put_element(writer *to, size_t index, const char *text)
{
    put(to, index == 0 ? "{\"" : ",\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            put(to, "\\");
        irx__pg_text_put(&to->text, text, 1);
    }
    put(to, "\"");
}

typedef enum element {
    NAME,
    CHANNEL,
    MEMBERS_VERSION,
    VALUE_TERM,
    VALUE_INDEX,
    INCARNATION,
    TERM,
    SESSION,
    BEAT,
    HOLD,
    PROCESS
} element;

static void put_element_of(writer *to, size_t index, const irx__pg_question *question,
                           element which)
{
    char text[33] = "";
    uint64_t number = 0;
    switch (which) {
    case NAME: put_element(to, index, question->name); return;
    case CHANNEL: put_element(to, index, question->channel); return;
    case INCARNATION: print_id(question->op->incarnation, text); break;
    case SESSION: print_id(question->op->session, text); break;
    case PROCESS: print_id(question->op->process, text); break;
    case MEMBERS_VERSION: number = question->members_version; break;
    case VALUE_TERM: number = question->value_version.term; break;
    case VALUE_INDEX: number = question->value_version.index; break;
    case TERM: number = question->op->term; break;
    case BEAT: number = question->op->beat; break;
    case HOLD: number = (uint64_t)question->op->hold_ns; break;
    }
    if (which != INCARNATION && which != SESSION && which != PROCESS)
        snprintf(text, sizeof text, "%" PRIu64, number);
    put_element(to, index, text);
}

static void add_arrays(writer *to, const irx__pg_question *questions, size_t count,
                       const element *elements, size_t element_count)
{
    for (size_t e = 0; e < element_count; e++) {
        begin(to);
        for (size_t i = 0; i < count; i++)
            put_element_of(to, i, &questions[i], elements[e]);
        put(to, "}");
        end(to);
    }
}

/* ---- operations ------------------------------------------------------------------------------ */

static void add_known(writer *to, const irx__pg_question *question)
{
    add_number(to, question->members_version);
    add_number(to, question->value_version.term);
    add_number(to, question->value_version.index);
}

/* "process|- 0|1 meta|- label". */
static void add_row(writer *to, const irx__pg_question *question)
{
    char process[33];
    begin(to);
    put(to, irx_id_none(question->op->process) ? "-" : print_id(question->op->process, process));
    put(to, question->op->candidate ? " 1 " : " 0 ");
    if (question->meta_length > 0)
        irx__pg_text_put_hex(&to->text, question->meta, question->meta_length);
    else
        put(to, "-");
    put(to, " ");
    put(to, question->label);
    end(to);
}

static void add_join(writer *to, const irx__pg_question *question, uint32_t max_members)
{
    add_known(to, question);
    if (question->op->push)
        add_text(to, question->channel);
    else
        add_null(to);
    add_id(to, question->op->session);
    add_number(to, question->op->join);
    add_row(to, question);
    add_number(to, max_members);
}

static void add_claim(writer *to, const irx__pg_question *question)
{
    const irx_op *op = question->op;
    add_text(to, question->channel);
    add_id(to, op->incarnation);
    add_number(to, op->term);
    add_flag(to, op->first_term);
    add_id(to, op->session);
    add_id(to, op->process);
    add_text(to, question->label);
    add_number(to, op->beat);
    add_number(to, (uint64_t)op->hold_ns);
    add_settings(to, op);
    add_id(to, op->expected.incarnation);
    add_number(to, op->expected.term);
    add_id(to, op->expected.session);
    add_number(to, op->expected.beat);
}

/* What RELEASE and PUBLISH begin with. */
static void add_own(writer *to, const irx__pg_question *question)
{
    add_text(to, question->channel);
    add_id(to, question->op->incarnation);
    add_number(to, question->op->term);
    add_id(to, question->op->session);
}

static void add_publish(writer *to, const irx__pg_question *question)
{
    add_own(to, question);
    begin(to);
    irx__pg_text_put_hex(&to->text, question->op->data, question->op->length);
    end(to);
    add_number(to, question->value_version.term);
    add_number(to, question->value_version.index);
}

static void add_operation(writer *to, const irx__pg_question *question, uint32_t max_members)
{
    switch (question->op->kind) {
    case IRX_OP_READ:
    case IRX_OP_RENEW:
    case IRX_OP_STRIKE: break; /* arrays */
    case IRX_OP_CREATE:
        add_id(to, question->op->incarnation);
        add_settings(to, question->op);
        break;
    case IRX_OP_JOIN: add_join(to, question, max_members); break;
    case IRX_OP_LEAVE:
        add_known(to, question);
        add_text(to, question->channel);
        add_id(to, question->op->session);
        break;
    case IRX_OP_CLAIM:
    case IRX_OP_CLAIM_IF_GONE: add_claim(to, question); break;
    case IRX_OP_RELEASE:
        add_own(to, question);
        add_id(to, question->op->successor);
        add_flag(to, question->op->leave);
        break;
    case IRX_OP_PUBLISH: add_publish(to, question); break;
    }
}

int irx__pg_values_of(irx__pg_values *values, const irx__pg_question *questions, size_t count,
                      uint32_t max_members)
{
    static const element read[] = {NAME, MEMBERS_VERSION, VALUE_TERM, VALUE_INDEX};
    static const element strike[] = {NAME, MEMBERS_VERSION, VALUE_TERM, VALUE_INDEX, CHANNEL};
    static const element renew[] = {NAME, INCARNATION, TERM, SESSION, BEAT, HOLD, PROCESS};
    const irx_op_kind kind = questions->op->kind;
    writer to = {0};

    assert(count == 1 ||
           (count > 1 && (kind == IRX_OP_READ || kind == IRX_OP_RENEW || kind == IRX_OP_STRIKE)));
    add_id(&to, questions->op->epoch);
    if (kind == IRX_OP_READ) {
        add_arrays(&to, questions, count, read, sizeof read / sizeof read[0]);
    } else if (kind == IRX_OP_STRIKE) {
        add_arrays(&to, questions, count, strike, sizeof strike / sizeof strike[0]);
    } else if (kind == IRX_OP_RENEW) {
        add_arrays(&to, questions, count, renew, sizeof renew / sizeof renew[0]);
    } else {
        add_text(&to, questions->name);
        add_operation(&to, questions, max_members);
    }
    *values = (irx__pg_values){.count = to.count, .memory = irx__pg_text_end(&to.text)};
    if (values->memory == NULL)
        return IRX_ENOMEM;
    for (int i = 0; i < to.count; i++)
        values->list[i] = to.is_null[i] ? NULL : values->memory + to.starts[i];
    return 0;
}

void irx__pg_values_free(irx__pg_values *values)
{
    free(values->memory);
    *values = (irx__pg_values){0};
}
