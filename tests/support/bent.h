/* Faults at the border between the runtime and its medium, which no real medium makes on demand: a
 * test puts a class of its own in the place of the medium's. */
#ifndef BENT_H
#define BENT_H

#include "runtime/election.h"

/* From here on the election's medium is called through *with, whose functions get the real medium.
 * The elections that share the medium are called so too. */
void bend(irx_election *election, const irx_medium_class *with);

/* Runs on the background thread, and waits for it. */
void on_loop(irx_election *election, void (*work)(irx_election *election));

/* The background thread does nothing between the two: what is asked for meanwhile is found at once.
 */
void hold_loop(irx_election *election);
void let_loop(irx_election *election);

/* The command connection is given up, as an engine does that gets no answer. */
void cut(irx_election *election);

#endif
