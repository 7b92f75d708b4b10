/* Whatever bytes come as a message, reading them must not crash or read past their end, what is
 * taken must be good, and there is one way to write it: encoded again it is the same bytes. */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool good)
{
    if (!good)
        abort();
}

/* What the engine relies upon without looking again. */
static void check_values(const irx_message *message, const uint8_t *bytes, size_t length)
{
    bool data = message->kind == IRX_MESSAGE_DATA;
    bool beats = message->kind == IRX_MESSAGE_BEAT || message->kind == IRX_MESSAGE_ACK;
    bool asks = message->kind == IRX_MESSAGE_CALL || message->kind == IRX_MESSAGE_VOTE;
    bool to_leader = data && message->audience == IRX_TO_LEADER;
    bool to_member = data && message->audience == IRX_TO_MEMBER;
    bool to_one = message->kind == IRX_MESSAGE_ACK || message->kind == IRX_MESSAGE_VOTE;

    must(data || beats || asks);
    must(!irx_id_none(message->from));
    must(irx_id_none(message->to) == !(to_one || to_leader || to_member));
    must(data == irx_id_none(message->token.incarnation) && data == (message->token.term == 0));
    must(message->token.term < IRX__TERM_LIMIT);
    must(beats == (message->beat != 0) && asks == !irx_id_none(message->holder));
    must(message->hold_ns >= 0 && message->hold_ns <= IRX__HOLD_LIMIT_NS);
    must((message->kind == IRX_MESSAGE_BEAT) == (message->hold_ns > 0));
    must(message->length <= IRX_MESSAGE_MAX && (data || message->length == 0));
    if (data) {
        const uint8_t *from = message->data;
        must(message->audience >= IRX_TO_MEMBER && message->audience <= IRX_TO_ALL);
        must(from >= bytes && from + message->length == bytes + length);
        must(length - message->length <= IRX_MESSAGE_HEADER_MAX);
    } else {
        must(length <= IRX_MESSAGE_HEADER_MAX);
    }
}

static void check_again(const irx_message *message, const uint8_t *bytes, size_t length)
{
    uint8_t *again = malloc(length); /* exact: what it says it needs is what it needs */
    must(again != NULL);
    must(irx_message_encode(message, again, length) == length);
    must(memcmp(again, bytes, length) == 0);
    must(irx_message_encode(message, again, length - 1) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    irx_message message;
    irx_decoded decoded = irx_message_decode(bytes, length, &message);
    irx_id to = irx_message_to(bytes, length);
    bool magic = length >= 2 && bytes[0] == 'I' && bytes[1] == 'x';

    must((decoded == IRX_DECODED_FOREIGN) == !magic);
    must(decoded != IRX_DECODED_NEWER || (irx_id_none(to) && length > 2));
    if (decoded == IRX_DECODED) {
        must(irx_id_equal(to, message.to));
        check_values(&message, bytes, length);
        check_again(&message, bytes, length);
        (void)irx_message_genuine(&message, NULL, 0);
    } else if (decoded == IRX_DECODED_FOREIGN) {
        must(irx_id_none(to));
    }
    return 0;
}
