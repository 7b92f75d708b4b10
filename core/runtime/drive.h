/* Driving one election's engine, on the loop thread. */
#ifndef IRX_DRIVE_H
#define IRX_DRIVE_H

#include "interrex.h"
#include "interrex_engine.h"
#include "runtime/events.h"
#include "runtime/heap.h"

/* One step of the engine, its outputs carried out. The fields common to all inputs are filled in.
 */
void irx__drive_feed(irx_election *election, irx_input *input);

/* The deadline of the election that this belongs to is reached. */
void irx__drive_due(irx__due *due);

/* The medium's word. */
void irx__drive_up(irx_election *election, irx_channel channel);
void irx__drive_result(irx_election *election, const irx_result *result);
void irx__drive_trouble(irx_election *election, const irx_error *why);
void irx__drive_warn(irx_election *election, const irx_error *what);

/* The application's word: whatever it asked for since the last time. */
void irx__drive_obey(irx_election *election);

/* Tells a closing handle if nothing of it is under way any more. */
void irx__drive_quiet(irx_election *election);

/* An event from the runtime itself; a slot is the queue's from here on. The application hears that
 * events wait at the end of the step, or by irx__drive_ready. */
void irx__drive_tell(irx_election *election, const irx_event *event);
void irx__drive_hand(irx_election *election, irx__event_slot *slot);
void irx__drive_ready(irx_election *election);

/* The links of the loop's inbox. mark: false if it is in there already. unmark: the next one. */
bool irx__drive_mark(irx_election *election);
void irx__drive_link(irx_election *election, irx_election *next);
irx_election *irx__drive_unmark(irx_election *election);

#endif
