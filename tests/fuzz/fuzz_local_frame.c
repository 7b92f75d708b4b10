/* Whatever comes on a line, reading frames must not read past what came, wait for what can not
 * come, nor take for a frame what would not be written so; and it does not matter where what comes
 * is torn.
 */
#include "medium/local_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool good)
{
    if (!good)
        abort();
}

/* From a block of exactly that size, for the sanitizers. */
static irx__framed read_prefix(const uint8_t *bytes, size_t length, size_t *size)
{
    unsigned char *exact = malloc(length > 0 ? length : 1);
    irx__frame frame;
    must(exact != NULL);
    memcpy(exact, bytes, length);
    irx__framed framed = irx__frame_read(exact, length, &frame);
    *size = frame.size;
    free(exact);
    return framed;
}

static void check_frame(const uint8_t *bytes, size_t have, const irx__frame *frame)
{
    must(frame->size <= have && frame->size <= IRX__FRAME_MAX);
    must((const uint8_t *)frame->election == bytes + IRX__FRAME_HEAD);
    must((const uint8_t *)frame->election + frame->election_length == frame->bytes);
    must(frame->bytes + frame->length == bytes + frame->size);
    must(frame->length > 0 && frame->length <= IRX__FRAME_BYTES_MAX);
    /* Written again it is the same. */
    if (memchr(frame->election, 0, frame->election_length) != NULL)
        return;
    char election[IRX__LOCAL_NAME_MAX];
    unsigned char *written = malloc(IRX__FRAME_MAX);
    must(written != NULL);
    memcpy(election, frame->election, frame->election_length);
    election[frame->election_length] = '\0';
    must(irx__frame_write(election, frame->bytes, frame->length, written) == frame->size);
    must(memcmp(written, bytes, frame->size) == 0);
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    irx__frame frame;
    irx__framed framed = irx__frame_read(bytes, length, &frame);
    if (framed == IRX__FRAMED)
        check_frame(bytes, length, &frame);
    if (framed == IRX__FRAMED_PARTLY)
        must(frame.size > length && frame.size <= IRX__FRAME_MAX);
    for (size_t have = 0; have < length; have++) {
        size_t size;
        irx__framed part = read_prefix(bytes, have, &size);
        must(part != IRX__FRAMED_FOREIGN || framed == IRX__FRAMED_FOREIGN);
        must(part != IRX__FRAMED_PARTLY || size > have);
        if (framed == IRX__FRAMED)
            must(part == (have < frame.size ? IRX__FRAMED_PARTLY : IRX__FRAMED));
    }
    return 0;
}
