/* Decides where a message on a line ends, and what is none of ours: whoever may write to a line's
 * socket might write anything. Pure: it must never touch a socket.
 *
 *     'I' 'L', 1, 0, bytes of the election's path (2), bytes of the message (4), path, message
 *
 * Numbers have their most significant byte first. */
#include "medium/local_frame.h"

#include <assert.h>
#include <string.h>

static const unsigned char MAGIC[4] = {'I', 'L', 1, 0};

static void put(unsigned char *to, size_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(number >> (8 * (bytes - 1 - i)));
}

static size_t take(const unsigned char *from, int bytes)
{
    size_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | from[i];
    return number;
}

size_t irx__frame_write(const char *election, const void *bytes, size_t length,
                        unsigned char *frame)
{
    size_t path = election ? strlen(election) : 0;
    assert(path < IRX__LOCAL_NAME_MAX && length > 0 && length <= IRX__FRAME_BYTES_MAX);
    memcpy(frame, MAGIC, sizeof MAGIC);
    put(frame + 4, path, 2);
    put(frame + 6, length, 4);
    if (path > 0)
        memcpy(frame + IRX__FRAME_HEAD, election, path);
    memcpy(frame + IRX__FRAME_HEAD + path, bytes, length);
    return IRX__FRAME_HEAD + path + length;
}

irx__framed irx__frame_read(const unsigned char *come, size_t have, irx__frame *frame)
{
    size_t seen = have < sizeof MAGIC ? have : sizeof MAGIC;
    *frame = (irx__frame){.size = IRX__FRAME_HEAD};
    if (seen > 0 && memcmp(come, MAGIC, seen) != 0)
        return IRX__FRAMED_FOREIGN;
    if (have < IRX__FRAME_HEAD)
        return IRX__FRAMED_PARTLY;
    size_t path = take(come + 4, 2), length = take(come + 6, 4);
    if (path >= IRX__LOCAL_NAME_MAX || length == 0 || length > IRX__FRAME_BYTES_MAX)
        return IRX__FRAMED_FOREIGN;
    frame->size = IRX__FRAME_HEAD + path + length;
    if (have < frame->size)
        return IRX__FRAMED_PARTLY;
    frame->election = (const char *)come + IRX__FRAME_HEAD;
    frame->election_length = path;
    frame->bytes = come + IRX__FRAME_HEAD + path;
    frame->length = length;
    return IRX__FRAMED;
}
