/* Messages as they come in. */
#ifndef IRX_INBOX_H
#define IRX_INBOX_H

#include "runtime/hub.h"

/* An encoded message for everybody at this seat's election, or (null) for one session of this
 * process. On the loop thread; the bytes are read during the call only. */
void irx__inbox_take(irx__hub *hub, irx_seat *seat, const void *bytes, size_t length);

/* An operation that brought the member table was answered: what was doubted before it was sent is
 * looked at again. */
void irx__inbox_settle(irx_election *election, uint64_t op_id);

#endif
