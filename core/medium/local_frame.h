/* How a message lies on the line between two processes of a host. */
#ifndef IRX_LOCAL_FRAME_H
#define IRX_LOCAL_FRAME_H

#include "medium/local_text.h"

enum {
    IRX__FRAME_HEAD = 10,
    IRX__FRAME_BYTES_MAX = IRX_MESSAGE_HEADER_MAX + IRX_MESSAGE_MAX, /* of an encoded message */
    IRX__FRAME_MAX = IRX__FRAME_HEAD + IRX__LOCAL_NAME_MAX + IRX__FRAME_BYTES_MAX
};

/* One frame as it was read: both texts point into the bytes, and neither ends with a zero. */
typedef struct irx__frame {
    size_t size;            /* of the whole frame; that much is wanted where it is not complete */
    const char *election;   /* relative path of the election it was broadcast to */
    size_t election_length; /* 0: to one session, which the message names itself */
    const unsigned char *bytes;
    size_t length;
} irx__frame;

typedef enum irx__framed { IRX__FRAMED, IRX__FRAMED_PARTLY, IRX__FRAMED_FOREIGN } irx__framed;

/* Writes one into `frame`, which has IRX__FRAME_MAX bytes; returns its size. `election` null: to
 * one session. 1 to IRX__FRAME_BYTES_MAX bytes. */
size_t irx__frame_write(const char *election, const void *bytes, size_t length,
                        unsigned char *frame);

/* Looks at what has come so far. PARTLY: frame->size is how much has to come at least. */
irx__framed irx__frame_read(const unsigned char *come, size_t have, irx__frame *frame);

#endif
